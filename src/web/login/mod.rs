//! The login: off to VideoAsk, and back with a code.

pub(crate) mod failure_limit;
pub(crate) mod identify;
pub(crate) mod pending;
pub(crate) mod replay;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State},
    http::{
        StatusCode,
        header::{ALLOW, LOCATION},
    },
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
    provider::{AuthorizeParams, Prompt, TokenReply},
    store::RowKey,
    telemetry::{self, LoginResult, excerpt},
    vault::{Connected, Record, TokenSet},
    web::{
        CODE_EXCHANGES, Site,
        login::{failure_limit::Admission, identify::identify, pending::PendingLogin, replay::FirstUse},
        pages::{error::PageError, tokens::WITHOUT_REFRESH_TOKEN},
        session::{self, Login, Visitor},
    },
};

pub(super) fn router() -> Router<Site> {
    // axum would answer HEAD by GET's handler, and a link preview would start a login or spend a code.
    let start = get(start).head(not_head);
    let callback = get(callback).head(not_head);
    Router::new().route("/auth/videoask", start).route("/auth/videoask/callback", callback)
}

async fn not_head() -> impl IntoResponse {
    ([(ALLOW, "GET")], PageError::MethodNotAllowed)
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
    Ok((StatusCode::FOUND, [(LOCATION, String::from(url))]).into_response())
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
    let arrived = arrive(&site, query, &cookies, &visitor);
    let (login, code, permit) = arrived.inspect_err(|error| site.metrics.login(error.into()))?;
    let metrics = site.metrics.clone();
    // A task of its own: a browser that hangs up must not cut an exchange that was sent, nor its saving.
    let finish = async move {
        let finished = finish(&site, login, code, session, permit).await;
        site.metrics.login(finished.as_ref().map_or_else(LoginResult::from, |_| LoginResult::Ok));
        finished
    };
    let finished = tokio::spawn(finish.in_current_span()).await.unwrap_or_else(|_| {
        metrics.login(LoginResult::Failed);
        Err(PageError::Internal)
    });
    match finished? {
        Connected::Yes => Ok(Redirect::to("/tokens")),
        Connected::KeptOld => Ok(Redirect::to(&format!("/tokens?login={WITHOUT_REFRESH_TOKEN}"))),
    }
}

/// All that comes before the exchange.
fn arrive(
    site: &Site,
    query: CallbackQuery,
    cookies: &Cookies,
    visitor: &Visitor,
) -> Result<(PendingLogin, AuthorizationCode, OwnedSemaphorePermit), PageError> {
    let state = query.state.clone().ok_or(PageError::NoPendingLogin)?;
    let Some(login) = site.pending.take(cookies, &state) else {
        return Err(match visitor {
            Visitor::LoggedIn(_) => PageError::AlreadyLoggedIn,
            Visitor::Stranger if site.used_states.contains(&state) => PageError::Replayed,
            Visitor::Stranger => PageError::NoPendingLogin,
        });
    };
    let code = accept(site, &login, &state, query)?;
    let permit = may_exchange(site)?;
    Ok((login, code, permit))
}

/// A permit for one exchange, unless too many are in flight or too many have failed.
fn may_exchange(site: &Site) -> Result<OwnedSemaphorePermit, PageError> {
    let permit = Arc::clone(&site.exchanges).try_acquire_owned().map_err(|_| PageError::TooBusy)?;
    let free = u32::try_from(site.exchanges.available_permits()).unwrap_or(0);
    match site.failure_limit.admit(CODE_EXCHANGES.saturating_sub(free), site.clock.monotonic()) {
        Admission::Admitted => Ok(permit),
        Admission::Refused => {
            site.metrics.login_throttled();
            Err(PageError::TooBusy)
        }
    }
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
    site: &Site,
    login: PendingLogin,
    code: AuthorizationCode,
    session: Session,
    _permit: OwnedSemaphorePermit,
) -> Result<Connected, PageError> {
    let PendingLogin { nonce, verifier, .. } = login;
    let sent = site.clock.now();
    let exchanged = site.provider.exchange_code(code, Some(verifier)).await;
    let reply = exchanged.inspect_err(|_| site.failure_limit.charge(site.clock.monotonic()))?;
    let identity = identify(site, &reply, &nonce).await?;
    let admitted = site.admit(&identity).await?;
    let TokenReply { access_token, refresh_token, scope, expires_in, .. } = reply;
    let tokens = TokenSet::dated(access_token, refresh_token, scope, expires_in, sent);
    save(site, &session, &admitted.login, Record::minted(&site.keys, tokens, identity, site.provider.issuer())).await
}

/// The session first, since only then there is an id to key a mint record by; without its record it is taken back.
async fn save(site: &Site, session: &Session, login: &Login, record: Record) -> Result<Connected, PageError> {
    let id = session::begin(session, login).await?;
    let (key, limits) = match login {
        Login::Mint => (site.sessions.key(id), Some(site.sessions.limits())),
        Login::Keep { user_id, .. } => (RowKey::of_user(user_id), None),
    };
    let saved = async {
        let stored = site.vault.login(&key, record, limits).await?;
        if let Login::Keep { user_id, .. } = login {
            let first_connection = site.vault.show(&key).await?.record().body.history.first_connection.clone();
            site.sessions.bind(id, &Login::Keep { user_id: user_id.clone(), first_connection }).await?;
        }
        Ok(stored)
    };
    match saved.await {
        Ok(stored) => Ok(stored),
        Err(error) => {
            if let Err(error) = session.flush().await {
                tracing::warn!(cause = telemetry::chain(&error), "a session without a record was left behind");
            }
            Err(error)
        }
    }
}

/// What to count a login as that failed.
impl From<&PageError> for LoginResult {
    fn from(error: &PageError) -> Self {
        match error {
            PageError::Denied { .. } => Self::Denied,
            PageError::LoginRefused { .. } => Self::ProviderError,
            PageError::NoPendingLogin
            | PageError::PendingLoginExpired
            | PageError::StateMismatch
            | PageError::Replayed
            | PageError::AlreadyLoggedIn
            | PageError::WrongIssuer { .. }
            | PageError::NoCode => Self::InvalidCallback,
            PageError::TooBusy => Self::TooBusy,
            PageError::Exchange(_) => Self::ExchangeFailed,
            PageError::IdToken(_) => Self::IdTokenRefused,
            PageError::Unknown(_) => Self::Unidentified,
            PageError::NotListed(_) | PageError::EmailInUse(_) => Self::NotListed,
            PageError::Store(_) | PageError::Session(_) | PageError::Vault(_) => Self::StoreFailed,
            // No login ends like this.
            PageError::Api(_)
            | PageError::NotRevoked(_)
            | PageError::LoggedOut
            | PageError::CrossSite
            | PageError::BadQuery
            | PageError::NotFound
            | PageError::MethodNotAllowed
            | PageError::TooLarge
            | PageError::Internal => Self::Failed,
        }
    }
}
