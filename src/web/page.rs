//! The pages as templates, and the frame that all of them share.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use crate::{config::Mode, store::records::Version};

use super::{
    Site,
    assets::Assets,
    confirmation::Confirmation,
    error::PageError,
    explain::{Action, Explanation},
    notice::Notice,
    prose::Prose,
    way::Way,
};

/// What the layout needs.
#[derive(Debug)]
pub struct Frame {
    /// Hashed paths of the static files.
    pub assets: Assets,
}

impl Frame {
    pub(super) fn new(site: &Site) -> Self {
        Self { assets: site.assets.clone() }
    }
}

/// `/`.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// The layout's part.
    pub frame: Frame,
    /// Absolute, to `APP_URL`: following it from another name of this host still gets its cookies back.
    pub login_url: String,
    /// To register in VideoAsk's developer settings.
    pub callback_url: String,
    /// Who refreshes.
    pub holder: Holder,
    /// Who is logged in, if anyone.
    pub visitor: VisitorLine,
    /// What a button has just done.
    pub confirmation: Option<Confirmation>,
}

/// What the home page says of the visitor.
#[derive(Debug)]
pub enum VisitorLine {
    /// Not logged in.
    Stranger,
    /// Logged in, under this name.
    Named(String),
    /// Logged in, but VideoAsk did not say who.
    Unnamed,
    /// Logged in, but the connection is gone.
    Disconnected,
    /// Logged in, but the connection cannot be shown; the token page says why.
    Hindered,
}

impl VisitorLine {
    pub(super) fn has_connection(&self) -> bool {
        match self {
            Self::Named(_) | Self::Unnamed | Self::Hindered => true,
            Self::Stranger | Self::Disconnected => false,
        }
    }
}

/// `/tokens`.
#[derive(Template)]
#[template(path = "tokens.html")]
pub struct TokensPage {
    /// The layout's part.
    pub frame: Frame,
    /// Who refreshes.
    pub holder: Holder,
    /// What a button has just done.
    pub confirmation: Option<Confirmation>,
    /// What comes first, where something is wrong.
    pub notice: Option<Notice>,
    /// Which token set this is; the buttons carry it.
    pub version: Version,
    /// The access token, exact.
    pub access_token: String,
    /// The refresh token, exact, if there is one.
    pub refresh_token: Option<String>,
    /// When the access token expires, RFC 3339.
    pub expires_at: String,
    /// The same for people, such as `tomorrow, 03:34 UTC`.
    pub expires: String,
    /// How long that is from now, such as `23 h 59 min left`.
    pub time_left: String,
    /// What was granted.
    pub scope: Option<String>,
    /// Whose tokens these are.
    pub user: Vec<(&'static str, String)>,
    /// What the connection went through.
    pub past: Vec<(&'static str, String)>,
    /// The claims of a JWT access token, pretty-printed.
    pub claims: Option<String>,
    /// `SCOPES` as it would have to be for a refresh token to come.
    pub scopes_with_offline_access: String,
    /// How a program gets at the API.
    pub way: Way,
    /// Programs to copy, which go that way.
    pub snippets: Vec<Snippet>,
    /// Whole programs that refresh by themselves, for a person who holds a refresh token.
    pub refreshing: Vec<Snippet>,
}

/// Who holds the refresh token and may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Mint mode: whoever copies it.
    Person,
    /// Keep mode: this app.
    App,
}

impl Holder {
    pub(super) fn of(mode: &Mode) -> Self {
        match mode {
            Mode::Mint => Self::Person,
            Mode::Keep(_) => Self::App,
        }
    }
}

/// `/tokens`, while a revocation is not confirmed.
#[derive(Template)]
#[template(path = "revoking.html")]
pub struct RevokingPage {
    /// The layout's part.
    pub frame: Frame,
    /// What is being revoked.
    pub version: Version,
}

/// A program that takes the token, or an API key, from its environment or a file.
#[derive(Debug)]
pub struct Snippet {
    /// The language, for its heading.
    pub language: &'static str,
    /// The text.
    pub code: String,
}

/// `/tokens/forms`.
#[derive(Template)]
#[template(path = "forms.html")]
pub struct FormsPage {
    /// The layout's part.
    pub frame: Frame,
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
    pub frame: Frame,
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
