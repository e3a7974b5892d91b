//! `GET /tokens`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::{
    html::{escaped::Text, sanitize},
    store::records::Version,
    times::ago,
    vault::{ClaimValue, Claims, Report, VaultError},
    web::{
        pages::{
            api_access::ApiAccess,
            confirmation::{Confirmation, DoneQuery},
            error::PageError,
            identity,
            layout::{CurrentPage, Layout, NavVisitor, html},
            markup::Markup,
            rich_text::RichText,
            snippets::{Snippet, Snippets},
            status_card::{CardAction, Emphasis, StatusCard, Tone},
            timeline::{self, Event, EventKind},
            times::Timestamp,
            token_owner::TokenOwner,
        },
        state::AppState,
        visitor::LoggedIn,
    },
};

#[derive(Template)]
#[template(path = "tokens.html")]
pub(crate) struct TokensPage<'a> {
    pub(crate) layout: Layout,
    pub(crate) now: OffsetDateTime,
    pub(crate) owner: TokenOwner,
    pub(crate) confirmation: Option<Confirmation>,
    /// Whether the page shows the connection of this browser's login or an earlier one.
    pub(crate) login_result: LoginResult,
    /// The state of the connection, and the next action.
    pub(crate) card: StatusCard,
    /// The version of the token set. The forms of the buttons contain it.
    pub(crate) version: Version,
    pub(crate) access_token: Text<'a>,
    /// The refresh token, if there is one.
    pub(crate) refresh_token: Option<Text<'a>>,
    pub(crate) scope: Option<String>,
    pub(crate) user: Vec<(&'static str, String)>,
    pub(crate) logged_in: RichText,
    /// Whether VideoAsk rotates the refresh tokens, if that is known.
    pub(crate) rotation: Option<String>,
    /// What comes next and what happened, newest first. It is empty in mint mode before the first refresh or failure.
    pub(crate) timeline: Vec<Event>,
    pub(crate) claims: Option<&'a Claims>,
    /// The value of `SCOPES`.
    pub(crate) scopes: &'a [String],
    /// How a program accesses the API.
    pub(crate) api_access: ApiAccess,
    /// Programs to copy, which access the API in this way.
    pub(crate) snippets: &'a [Snippet],
    /// Complete programs that refresh by themselves, for a person who has a refresh token.
    pub(crate) refreshing: &'a [Snippet],
}

impl TokensPage<'_> {
    /// Whether the timeline has a failure, which the page then explains first.
    fn has_failed(&self) -> bool {
        self.timeline.iter().any(|event| event.kind == EventKind::Bad)
    }

    fn timestamp(&self, time: &OffsetDateTime) -> Timestamp {
        Timestamp { time: *time, now: self.now }
    }

    /// The value of `SCOPES` with which VideoAsk would issue a refresh token.
    fn scopes_with_offline_access(&self) -> String {
        let mut scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        if !scopes.contains(&"offline_access") {
            scopes.push("offline_access");
        }
        scopes.join(",")
    }

    /// The CSS class of the copy button of the access token. In mint mode, copying is the primary action of the page,
    /// unless the card has one.
    fn copy_look(&self) -> &'static str {
        match (self.owner, self.card.has_primary_action()) {
            (TokenOwner::Person, false) => "primary",
            (TokenOwner::Person, true) | (TokenOwner::App, _) => "",
        }
    }
}

/// The page at `/tokens` while a revocation is not confirmed.
#[derive(Template)]
#[template(path = "revoking.html")]
pub(crate) struct RevokingPage {
    pub(crate) layout: Layout,
    pub(crate) version: Version,
}

/// Which connection the token page shows after a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginResult {
    /// The page shows the connection of this login.
    Shown,
    /// This login came without a refresh token, so the page shows the earlier connection, which has one.
    KeptOld,
}

impl IntoResponse for TokensPage<'_> {
    fn into_response(self) -> Response {
        html(&self)
    }
}

impl IntoResponse for RevokingPage {
    fn into_response(self) -> Response {
        html(&self)
    }
}

/// The value of `login` in the query after a login without a refresh token, if an earlier connection with one was kept.
pub(crate) const WITHOUT_REFRESH_TOKEN: &str = "without-refresh-token";

pub(crate) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/tokens", get(tokens))
}

#[derive(Deserialize)]
struct TokensQuery {
    login: Option<String>,
}

async fn tokens(
    State(app): State<Arc<AppState>>,
    login: LoggedIn,
    query: Result<Query<TokensQuery>, QueryRejection>,
    done: Result<Query<DoneQuery>, QueryRejection>,
) -> Result<Response, PageError> {
    let (key, shown) = match login.connection(&app).await {
        Err(PageError::Vault(VaultError::NotConnected)) => return without_connection(&app, &login).await,
        found => found?,
    };
    let now = app.clock.now();
    let contents = &shown.record().body;
    let tokens = &contents.tokens;
    let report = Report::of(&app.vault.status_of(&key, &shown), now);
    let api_access = ApiAccess::of(&app, &contents.identity);
    let snippets = app.snippets.get_or_init(|| Snippets::of(&app, &api_access));
    let kept_old = query.is_ok_and(|Query(query)| query.login.as_deref() == Some(WITHOUT_REFRESH_TOKEN));
    let login_result = if kept_old { LoginResult::KeptOld } else { LoginResult::Shown };
    let owner = TokenOwner::of(&app.mode);
    let page = TokensPage {
        layout: Layout::new(NavVisitor::named(&contents.identity), CurrentPage::Tokens),
        now,
        owner,
        confirmation: Confirmation::of(done),
        login_result,
        card: StatusCard::of(&report, owner, now),
        version: shown.record().version(),
        access_token: Text(tokens.access_token.secret()),
        refresh_token: tokens.refresh_token.as_ref().map(|token| Text(token.secret())),
        scope: tokens.scope.as_deref().map(sanitize::short),
        user: identity::rows(&contents.identity),
        logged_in: RichText::default().time(report.minted_at, now).text(format!(" ({})", ago(now - report.minted_at))),
        rotation: timeline::rotation(report.rotation),
        timeline: timeline::events(&report, owner, now),
        claims: shown.claims(),
        scopes: &app.scopes,
        snippets: &snippets.access,
        refreshing: match (owner, &tokens.refresh_token) {
            (TokenOwner::Person, Some(_)) => &snippets.refreshing,
            (TokenOwner::Person, None) | (TokenOwner::App, _) => &[],
        },
        api_access,
    };
    Ok(page.into_response())
}

/// The response if there is no connection to show: the page to try a revocation again if one is not confirmed, and an
/// error otherwise.
async fn without_connection(app: &AppState, login: &LoggedIn) -> Result<Response, PageError> {
    for key in login.row_keys(app) {
        if let Some(version) = app.vault.revoking(&key).await? {
            let layout = Layout::new(NavVisitor::LoggedIn(None), CurrentPage::Tokens);
            return Ok(RevokingPage { layout, version }.into_response());
        }
    }
    Err(VaultError::NotConnected.into())
}
