//! The pages as templates, and the layout that all of them share.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::{
    config::Mode,
    store::records::Version,
    vault::Identity,
    web::{
        assets::Assets,
        pages::{
            api_access::ApiAccess,
            banner::Confirmation,
            claims::Claims,
            error::PageError,
            explain::Explanation,
            line::Line,
            outside_text,
            prose::Prose,
            status_card::{CardAction, Emphasis, StatusCard, Tone},
            timeline::Event,
        },
    },
};

/// What the layout needs.
#[derive(Debug)]
pub struct Layout {
    /// Hashed paths of the static files.
    pub assets: Assets,
    /// Who is logged in.
    pub visitor: NavVisitor,
    /// Which link of the navigation leads to this very page.
    pub current: CurrentPage,
}

impl Layout {
    pub(crate) fn new(assets: &Assets, visitor: NavVisitor, current: CurrentPage) -> Self {
        Self { assets: assets.clone(), visitor, current }
    }
}

/// Whom the navigation is for.
#[derive(Clone, Debug, Default)]
pub enum NavVisitor {
    /// Nobody is logged in, so there is nothing to navigate to.
    #[default]
    LoggedOut,
    /// Someone is logged in, under this e-mail address, name or id if VideoAsk told one.
    LoggedIn(Option<String>),
}

impl NavVisitor {
    pub(crate) fn named(identity: &Identity) -> Self {
        Self::LoggedIn(identity.label().map(outside_text::shown))
    }
}

impl From<&VisitorLine> for NavVisitor {
    fn from(visitor: &VisitorLine) -> Self {
        match visitor {
            VisitorLine::LoggedOut => Self::LoggedOut,
            VisitorLine::Named(name) => Self::LoggedIn(Some(name.clone())),
            VisitorLine::Unnamed | VisitorLine::Disconnected | VisitorLine::Unavailable => Self::LoggedIn(None),
        }
    }
}

/// A page that the navigation links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrentPage {
    /// `/tokens`.
    Tokens,
    /// `/tokens/forms`.
    TryIt,
    /// Any other page.
    Other,
}

/// `/`.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// The layout's part.
    pub layout: Layout,
    /// Absolute, to `APP_URL`: following it from another name of this host still gets its cookies back.
    pub login_url: String,
    /// To register in VideoAsk's developer settings.
    pub callback_url: String,
    /// Who refreshes.
    pub owner: TokenOwner,
    /// Who is logged in, if anyone.
    pub visitor: VisitorLine,
    /// What a button has just done.
    pub confirmation: Option<Confirmation>,
}

/// What the home page says of the visitor.
#[derive(Debug)]
pub enum VisitorLine {
    /// Not logged in.
    LoggedOut,
    /// Logged in, under this name.
    Named(String),
    /// Logged in, but VideoAsk did not say who.
    Unnamed,
    /// Logged in, but the connection is gone.
    Disconnected,
    /// Logged in, but the connection cannot be shown; the token page says why.
    Unavailable,
}

impl VisitorLine {
    pub(crate) fn has_connection(&self) -> bool {
        match self {
            Self::Named(_) | Self::Unnamed | Self::Unavailable => true,
            Self::LoggedOut | Self::Disconnected => false,
        }
    }

    fn is_logged_in(&self) -> bool {
        match self {
            Self::Named(_) | Self::Unnamed | Self::Unavailable | Self::Disconnected => true,
            Self::LoggedOut => false,
        }
    }
}

/// What this browser's login came to, as far as the token page must say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginResult {
    /// What the page shows.
    Shown,
    /// It came without a refresh token, so the page shows the connection from before.
    KeptOld,
}

/// `/tokens`.
#[derive(Template)]
#[template(path = "tokens.html")]
pub struct TokensPage {
    /// The layout's part.
    pub layout: Layout,
    /// Who refreshes.
    pub owner: TokenOwner,
    /// What a button has just done.
    pub confirmation: Option<Confirmation>,
    /// Whether the page shows what the login brought.
    pub login_result: LoginResult,
    /// The state of the connection, and what to do about it.
    pub card: StatusCard,
    /// Which token set this is; the buttons carry it.
    pub version: Version,
    /// The access token, exact.
    pub access_token: String,
    /// The refresh token, exact, if there is one.
    pub refresh_token: Option<String>,
    /// What was granted.
    pub scope: Option<String>,
    /// Whose tokens these are.
    pub user: Vec<(&'static str, String)>,
    /// When the login was.
    pub logged_in: Line,
    /// Whether VideoAsk rotates the refresh tokens.
    pub rotation: &'static str,
    /// What the connection went through, newest first; empty where there is no news.
    pub timeline: Vec<Event>,
    /// The claims of a JWT access token.
    pub claims: Option<Claims>,
    /// `SCOPES` as it would have to be for a refresh token to come.
    pub scopes_with_offline_access: String,
    /// How a program gets at the API.
    pub api_access: ApiAccess,
    /// Programs to copy, for this access.
    pub snippets: Vec<Snippet>,
    /// Whole programs that refresh by themselves, for a person who holds a refresh token.
    pub refreshing: Vec<Snippet>,
}

impl TokensPage {
    /// The class of the copy button of the access token: the main action of a page that is there to copy from, unless
    /// the state of the connection asks for another one.
    fn copy_look(&self) -> &'static str {
        match (self.owner, self.card.has_primary_action()) {
            (TokenOwner::Person, false) => "primary",
            (TokenOwner::Person, true) | (TokenOwner::App, _) => "",
        }
    }
}

/// Who holds the refresh token and may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOwner {
    /// Mint mode: whoever copies it.
    Person,
    /// Keep mode: this app.
    App,
}

impl TokenOwner {
    pub(crate) fn of(mode: &Mode) -> Self {
        match mode {
            Mode::Mint => Self::Person,
            Mode::Keep(_) => Self::App,
        }
    }

    /// The heading of the token page.
    fn heading(self) -> &'static str {
        match self {
            Self::Person => "Your tokens",
            Self::App => "Your connection",
        }
    }
}

/// `/tokens`, while a revocation is not confirmed.
#[derive(Template)]
#[template(path = "revoking.html")]
pub struct RevokingPage {
    /// The layout's part.
    pub layout: Layout,
    /// What is being revoked.
    pub version: Version,
}

/// A program that takes the token, or an API key, from its environment or a file.
#[derive(Debug)]
pub struct Snippet {
    /// Of its element.
    pub id: String,
    /// The language, for its heading.
    pub language: &'static str,
    /// The text.
    pub code: String,
}

impl Snippet {
    /// Whether it is the one that is open.
    fn is_first(&self) -> bool {
        self.id.ends_with("-1")
    }
}

/// `/tokens/forms`.
#[derive(Template)]
#[template(path = "forms.html")]
pub struct FormsPage {
    /// The layout's part.
    pub layout: Layout,
    /// How many forms there are.
    pub count: u64,
    /// Of these, the page's first and last, counted from 1.
    pub range: Option<(u64, u64)>,
    /// The page's forms.
    pub forms: Vec<FormLine>,
    /// Link to the page before.
    pub previous: Option<String>,
    /// Link to the page after.
    pub next: Option<String>,
}

/// One form.
#[derive(Debug)]
pub struct FormLine {
    /// Its title.
    pub title: String,
    /// Its id.
    pub id: String,
    /// Where it is answered, if it says so by an https URL.
    pub share_url: Option<String>,
}

/// Any failure.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// The layout's part.
    pub layout: Layout,
    /// The words.
    pub explanation: Explanation,
    /// As in the log.
    pub request_id: String,
}

fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a template failed");
            PageError::Internal.into_response()
        }
    }
}

macro_rules! respond {
    ($($page:ty),+) => {$(
        impl IntoResponse for $page {
            fn into_response(self) -> Response {
                html(&self)
            }
        }
    )+};
}

respond!(HomePage, TokensPage, RevokingPage, FormsPage, ErrorPage);
