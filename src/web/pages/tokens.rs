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

use crate::{
    store::records::Version,
    times::ago,
    vault::{Report, VaultError},
    web::{
        pages::{
            api_access::ApiAccess,
            claims::Claims,
            confirmation::{Confirmation, DoneQuery},
            error::PageError,
            identity,
            layout::{CurrentPage, Layout, NavVisitor, html},
            markup::Markup,
            rich_text::RichText,
            sanitize,
            snippets::{Snippet, refreshing_programs, snippets},
            status_card::{CardAction, Emphasis, StatusCard, Tone},
            timeline::{self, Event, EventKind},
            token_owner::TokenOwner,
        },
        state::AppState,
        visitor::LoggedIn,
    },
};

#[derive(Template)]
#[template(path = "tokens.html")]
pub(crate) struct TokensPage {
    pub(crate) layout: Layout,
    pub(crate) owner: TokenOwner,
    pub(crate) confirmation: Option<Confirmation>,
    /// Whether the page shows what the login brought.
    pub(crate) login_result: LoginResult,
    /// The state of the connection, and what to do about it.
    pub(crate) card: StatusCard,
    /// Which token set this is; the buttons carry it.
    pub(crate) version: Version,
    pub(crate) access_token: String,
    /// The refresh token, exact, if there is one.
    pub(crate) refresh_token: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) user: Vec<(&'static str, String)>,
    pub(crate) logged_in: RichText,
    /// Whether VideoAsk rotates the refresh tokens, once that is known.
    pub(crate) rotation: Option<String>,
    /// What the connection went through, newest first; empty where there is no news.
    pub(crate) timeline: Vec<Event>,
    pub(crate) claims: Option<Claims>,
    /// `SCOPES` as it would have to be for a refresh token to come.
    pub(crate) scopes_with_offline_access: String,
    /// How a program gets at the API.
    pub(crate) api_access: ApiAccess,
    /// Programs to copy, for this access.
    pub(crate) snippets: Vec<Snippet>,
    /// Whole programs that refresh by themselves, for a person who holds a refresh token.
    pub(crate) refreshing: Vec<Snippet>,
}

impl TokensPage {
    /// Whether the last refresh failed. Then the page explains that first.
    fn has_failed(&self) -> bool {
        self.timeline.iter().any(|event| event.kind == EventKind::Bad)
    }

    /// The class of the copy button of the access token: the main action of a page that is there to copy from, unless
    /// the state of the connection asks for another one.
    fn copy_look(&self) -> &'static str {
        match (self.owner, self.card.has_primary_action()) {
            (TokenOwner::Person, false) => "primary",
            (TokenOwner::Person, true) | (TokenOwner::App, _) => "",
        }
    }
}

/// `/tokens`, while a revocation is not confirmed.
#[derive(Template)]
#[template(path = "revoking.html")]
pub(crate) struct RevokingPage {
    pub(crate) layout: Layout,
    pub(crate) version: Version,
}

/// What this browser's login came to, as far as the token page must say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginResult {
    /// What the page shows.
    Shown,
    /// It came without a refresh token, so the page shows the connection from before.
    KeptOld,
}

impl IntoResponse for TokensPage {
    fn into_response(self) -> Response {
        html(&self)
    }
}

impl IntoResponse for RevokingPage {
    fn into_response(self) -> Response {
        html(&self)
    }
}

/// In the query after a login that brought no refresh token, over a connection that has one.
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
    let kept_old = query.is_ok_and(|Query(query)| query.login.as_deref() == Some(WITHOUT_REFRESH_TOKEN));
    let login_result = if kept_old { LoginResult::KeptOld } else { LoginResult::Shown };
    let owner = TokenOwner::of(&app.mode);
    let page = TokensPage {
        layout: Layout::new(&app.assets, NavVisitor::named(&contents.identity), CurrentPage::Tokens),
        owner,
        confirmation: Confirmation::of(done),
        login_result,
        card: StatusCard::of(&report, owner, now),
        version: shown.record().version(),
        access_token: tokens.access_token.secret().clone(),
        refresh_token: tokens.refresh_token.as_ref().map(|token| token.secret().clone()),
        scope: tokens.scope.as_deref().map(sanitize::short),
        user: identity::rows(&contents.identity),
        logged_in: RichText::default().time(report.minted_at, now).text(format!(" ({})", ago(now - report.minted_at))),
        rotation: timeline::rotation(report.rotation),
        timeline: timeline::events(&report, owner, now),
        claims: tokens.claims().map(|claims| Claims::new(claims, now)),
        scopes_with_offline_access: scopes_with_offline_access(&app.scopes),
        snippets: snippets(&api_access.base_url(&app), api_access.variable()),
        refreshing: match (owner, &tokens.refresh_token) {
            (TokenOwner::Person, Some(_)) => refreshing_programs(&app.api_url, &app.auth_url),
            (TokenOwner::Person, None) | (TokenOwner::App, _) => Vec::new(),
        },
        api_access,
    };
    Ok(page.into_response())
}

/// One that is being revoked can be tried again; for any other there is only a new login.
async fn without_connection(app: &AppState, login: &LoggedIn) -> Result<Response, PageError> {
    for key in login.row_keys(app) {
        if let Some(version) = app.vault.revoking(&key).await? {
            let layout = Layout::new(&app.assets, NavVisitor::LoggedIn(None), CurrentPage::Tokens);
            return Ok(RevokingPage { layout, version }.into_response());
        }
    }
    Err(VaultError::NotConnected.into())
}

/// `SCOPES` with `offline_access` at its end, in the form that the variable takes.
fn scopes_with_offline_access(scopes: &[String]) -> String {
    let mut scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    if !scopes.contains(&"offline_access") {
        scopes.push("offline_access");
    }
    scopes.join(",")
}
