//! The login: off to VideoAsk, and back with a code.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use oauth2::{AuthorizationCode, CsrfToken};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tokio::sync::OwnedSemaphorePermit;
use tower_cookies::Cookies;
use tower_sessions::Session;
use tracing::Instrument;

use crate::{
    provider::{AuthorizeParams, IdClaims, Nonce, Prompt, TokenReply},
    telemetry::{self, excerpt},
    vault::{EmailProof, Identity, Issuer, Record, TokenSet},
};

use super::{
    Site,
    error::PageError,
    pending::PendingLogin,
    replay::FirstUse,
    session::{self, Login, Visitor},
};

pub(super) fn router() -> Router<Site> {
    Router::new().route("/auth/videoask", get(start)).route("/auth/videoask/callback", get(callback))
}

#[derive(Deserialize)]
struct StartQuery {
    prompt: Option<String>,
}

/// Remembers a login in the browser and sends it to VideoAsk.
async fn start(
    State(site): State<Site>,
    query: Result<Query<StartQuery>, axum::extract::rejection::QueryRejection>,
    cookies: Cookies,
) -> Result<Response, PageError> {
    let Query(query) = query.map_err(|_| PageError::BadQuery)?;
    let prompt = match query.prompt.as_deref() {
        None => None,
        Some("login") => Some(Prompt::Login),
        Some(_) => return Err(PageError::BadQuery),
    };
    let login = PendingLogin::begun_at(site.clock.now());
    site.pending.begin(&cookies, &login);
    let PendingLogin { state, nonce, verifier, .. } = &login;
    let url = site.provider.authorize_url(&AuthorizeParams { state, nonce, verifier, prompt, login_hint: None });
    Ok((StatusCode::FOUND, [(axum::http::header::LOCATION, String::from(url))]).into_response())
}

/// What VideoAsk sends back: `code` or `error` (RFC 6749, 4.1.2), `state`, and maybe `iss` (RFC 9207).
#[derive(Default, Deserialize)]
struct CallbackQuery {
    state: Option<CsrfToken>,
    code: Option<AuthorizationCode>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Checks the way back in the order that gives nothing away, then exchanges the code.
async fn callback(
    State(site): State<Site>,
    query: Result<Query<CallbackQuery>, axum::extract::rejection::QueryRejection>,
    cookies: Cookies,
    session: Session,
    visitor: Visitor,
) -> Result<Redirect, PageError> {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let state = query.state.clone().ok_or(PageError::NoPendingLogin)?;
    let Some(login) = site.pending.take(&cookies, &state) else {
        return Err(match visitor {
            Visitor::LoggedIn(_) => PageError::AlreadyLoggedIn,
            Visitor::Stranger if site.used_states.contains(&state) => PageError::Replayed,
            Visitor::Stranger => PageError::NoPendingLogin,
        });
    };
    let code = accept(&site, &login, &state, query)?;
    let permit = Arc::clone(&site.exchanges).try_acquire_owned().map_err(|_| PageError::TooBusy)?;
    // A task of its own: a browser that hangs up must not cut an exchange that was sent, nor its saving.
    let finish = finish(site, login, code, session, permit).in_current_span();
    tokio::spawn(finish).await.map_err(|_| PageError::Internal)??;
    Ok(Redirect::to("/tokens"))
}

/// The checks between the cookie and the exchange.
fn accept(
    site: &Site,
    login: &PendingLogin,
    state: &CsrfToken,
    query: CallbackQuery,
) -> Result<AuthorizationCode, PageError> {
    if login.expired(site.clock.now()) {
        return Err(PageError::PendingLoginExpired);
    }
    if !bool::from(login.state.secret().as_bytes().ct_eq(state.secret().as_bytes())) {
        return Err(PageError::StateMismatch);
    }
    if site.used_states.mark(state, site.clock.monotonic()) == FirstUse::No {
        return Err(PageError::Replayed);
    }
    if let Some(came) = query.iss.filter(|iss| *iss != site.issuer) {
        return Err(PageError::WrongIssuer { expected: site.issuer.clone(), came: excerpt(&came) });
    }
    let description = excerpt(&query.error_description.unwrap_or_default());
    match query.error {
        Some(code) if code == "access_denied" => Err(PageError::Denied { description }),
        Some(code) => Err(PageError::LoginRefused { code: excerpt(&code), description }),
        None => query.code.ok_or(PageError::NoCode),
    }
}

/// Exchanges the code, proves who it is, and saves session and record.
async fn finish(
    site: Site,
    login: PendingLogin,
    code: AuthorizationCode,
    session: Session,
    _permit: OwnedSemaphorePermit,
) -> Result<(), PageError> {
    let PendingLogin { nonce, verifier, .. } = login;
    let reply = site.provider.exchange_code(code, Some(verifier)).await?;
    let identity = identify(&site, &reply, &nonce).await?;
    let now = site.clock.now();
    let TokenReply { access_token, refresh_token, scope, expires_in, .. } = reply;
    let tokens = TokenSet::dated(access_token, refresh_token, scope, expires_in, now);
    let issuer = Issuer {
        client_id: site.provider.client_id().to_owned(),
        token_endpoint: site.provider.token_endpoint().to_string(),
    };
    save(&site, &session, &Record::minted(&site.keys, tokens, identity, issuer)).await
}

/// Who logged in: by the id_token, or by `/me` where there is none. A failing `/me` never hides the pair.
async fn identify(site: &Site, reply: &TokenReply, nonce: &Nonce) -> Result<Identity, PageError> {
    if let Some(id_token) = &reply.id_token {
        // A nonce that was not sent must not come back either.
        let nonce = site.provider.asks_openid().then_some(nonce);
        return Ok(site.provider.verify_id_token(id_token, nonce).await?.into());
    }
    match site.api.me(&reply.access_token).await {
        Ok(me) => Ok(Identity { user_id: Some(me.user_id), email: me.email, name: me.username, ..Identity::default() }),
        Err(error) => {
            tracing::warn!(cause = telemetry::chain(&error), "VideoAsk did not say who logged in");
            Ok(Identity::default())
        }
    }
}

impl From<IdClaims> for Identity {
    fn from(claims: IdClaims) -> Self {
        let email_proof = if claims.email_verified { EmailProof::Verified } else { EmailProof::No };
        Self { user_id: None, sub: Some(claims.sub), email: claims.email, email_proof, name: claims.name }
    }
}

/// The session first, since only then there is an id to key the record by; without its record it is taken back.
async fn save(site: &Site, session: &Session, record: &Record) -> Result<(), PageError> {
    let id = session::begin(session, &Login::Mint).await?;
    let row = record.seal(&site.keys, site.sessions.key(id), Some(site.sessions.limits()));
    if let Err(error) = site.store.put_record(&row).await {
        if let Err(error) = session.flush().await {
            tracing::warn!(cause = telemetry::chain(&error), "a session without a record was left behind");
        }
        return Err(error.into());
    }
    Ok(())
}
