//! `GET /tokens` and its downloads.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderValue, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    vault::{EmailProof, Identity, Report, TokenSet, VaultError},
    web::{
        middleware::same_origin,
        pages::{
            api_access::ApiAccess,
            banner::{Confirmation, DoneQuery},
            claims::Claims,
            error::PageError,
            line::Line,
            outside_text,
            snippets::{refreshing_programs, snippets},
            status_card::StatusCard,
            templates::{CurrentPage, Layout, LoginResult, NavVisitor, RevokingPage, TokenOwner, TokensPage},
            timeline,
            times::{ago, timestamp},
        },
        state::AppState,
        visitor::LoggedIn,
    },
};

/// In the query after a login that brought no refresh token, over a connection that has one.
pub(crate) const WITHOUT_REFRESH_TOKEN: &str = "without-refresh-token";

pub(crate) fn router() -> Router<Arc<AppState>> {
    let export = get(export).layer(middleware::from_fn(same_origin::not_cross_site));
    Router::new().route("/tokens", get(tokens)).route("/tokens/export/{format}", export)
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
        scope: tokens.scope.as_deref().map(outside_text::shown),
        user: describe(&contents.identity),
        logged_in: Line::default().moment(report.minted_at, now).text(format!(" ({})", ago(now - report.minted_at))),
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

/// The fields of `/api/token`, and the refresh token.
#[derive(Serialize)]
struct Export<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_at: String,
    expires_in: i64,
    scope: Option<&'a str>,
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

async fn export(
    State(app): State<Arc<AppState>>,
    login: LoggedIn,
    Path(format): Path<String>,
) -> Result<Response, PageError> {
    let (_, shown) = login.connection(&app).await?;
    let contents = &shown.record().body;
    let mut export = Export::new(&contents.tokens, &contents.identity, app.clock.now());
    if TokenOwner::of(&app.mode) == TokenOwner::App {
        // Two that refresh would log each other out, so the one that this app refreshes does not leave by a download.
        export.refresh_token = None;
    }
    match format.as_str() {
        "env" => Ok(attachment("videoask.env", export.env().into_response())),
        "json" => Ok(attachment("videoask.json", Json(export).into_response())),
        _ => Err(PageError::NotFound),
    }
}

impl<'a> Export<'a> {
    fn new(tokens: &'a TokenSet, identity: &'a Identity, now: OffsetDateTime) -> Self {
        Self {
            access_token: tokens.access_token.secret(),
            token_type: "Bearer",
            expires_at: timestamp(tokens.expires_at),
            expires_in: (tokens.expires_at - now).whole_seconds().max(0),
            scope: tokens.scope.as_deref(),
            user: identity.label(),
            refresh_token: tokens.refresh_token.as_ref().map(|token| token.secret().as_str()),
        }
    }

    fn env(&self) -> String {
        let lines = [
            ("VIDEOASK_ACCESS_TOKEN", Some(self.access_token)),
            ("VIDEOASK_REFRESH_TOKEN", self.refresh_token),
            ("VIDEOASK_EXPIRES_AT", Some(&self.expires_at)),
        ];
        let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name}={}\n", quoted(value?))));
        lines.collect()
    }
}

/// A value as shells and dotenv libraries read it alike: bare where nothing is special, else in single quotes.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:+/=".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

fn attachment(name: &'static str, mut response: Response) -> Response {
    let value = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).ok();
    response.headers_mut().extend(value.map(|value| (header::CONTENT_DISPOSITION, value)));
    response
}

/// Who the user is, for a list.
pub(crate) fn describe(identity: &Identity) -> Vec<(&'static str, String)> {
    let email = identity.email.as_ref().map(|email| match identity.email_proof {
        EmailProof::No => format!("{email} (not verified)"),
        EmailProof::Verified | EmailProof::Vouched => email.clone(),
    });
    [
        ("Name", identity.name.clone()),
        ("E-mail", email),
        ("User id", identity.user_id.clone()),
        ("Subject (Auth0 `sub`)", identity.sub.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, outside_text::shown(&value?))))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exported_value_is_quoted_only_where_it_must_be() {
        assert_eq!(quoted("eyJ.a-b_c"), "eyJ.a-b_c");
        assert_eq!(quoted("a b$c"), "'a b$c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
