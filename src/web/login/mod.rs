//! The login: off to VideoAsk, and back with a code.

pub(crate) mod error;
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
    provider::{AuthorizeParams, Prompt, TokenResponse},
    store::RowKey,
    telemetry::{self, LoginResult, excerpt},
    vault::{Connected, Record, TokenSet},
    web::{
        login::{
            error::LoginError,
            failure_limit::{Admission, CODE_EXCHANGES},
            identify::{admit, identify},
            pending::PendingLogin,
            replay::FirstUse,
        },
        pages::{
            error::{PageError, RequestError},
            tokens::WITHOUT_REFRESH_TOKEN,
        },
        session::{self, Login},
        state::AppState,
        visitor::Visitor,
    },
};

pub(super) fn router() -> Router<Arc<AppState>> {
    // axum would answer HEAD by GET's handler, and a link preview would start a login or spend a code.
    let start = get(start).head(not_head);
    let callback = get(callback).head(not_head);
    Router::new().route("/auth/videoask", start).route("/auth/videoask/callback", callback)
}

async fn not_head() -> impl IntoResponse {
    ([(ALLOW, "GET")], PageError::Request(RequestError::MethodNotAllowed))
}

#[derive(Deserialize)]
struct StartQuery {
    prompt: Option<String>,
}

/// Remembers a login in the browser and sends it to VideoAsk.
async fn start(
    State(app): State<Arc<AppState>>,
    query: Result<Query<StartQuery>, axum::extract::rejection::QueryRejection>,
    cookies: Cookies,
) -> Result<Response, PageError> {
    let Query(query) = query.map_err(|_| PageError::Request(RequestError::BadQuery))?;
    let prompt = match query.prompt.as_deref() {
        None => None,
        Some("login") => Some(Prompt::Login),
        Some(_) => return Err(PageError::Request(RequestError::BadQuery)),
    };
    let login = PendingLogin::begun_at(app.clock.now());
    app.pending_logins.begin(&cookies, &login);
    let PendingLogin { state, nonce, verifier, .. } = &login;
    let url = app.provider.authorize_url(&AuthorizeParams { state, nonce, verifier, prompt });
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
    State(app): State<Arc<AppState>>,
    query: Result<Query<CallbackQuery>, axum::extract::rejection::QueryRejection>,
    cookies: Cookies,
    session: Session,
    visitor: Visitor,
) -> Result<Redirect, PageError> {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let arrived = arrive(&app, query, &cookies, &visitor);
    let (login, code, permit) = arrived.inspect_err(|error| app.metrics.login(error.into()))?;
    let metrics = app.metrics.clone();
    // A task of its own: a browser that hangs up must not cut an exchange that was sent, nor its saving.
    let finish = async move {
        let finished = finish(&app, login, code, session, permit).await;
        app.metrics.login(finished.as_ref().map_or_else(LoginResult::from, |_| LoginResult::Ok));
        finished
    };
    let finished = tokio::spawn(finish.in_current_span()).await.unwrap_or_else(|_| {
        metrics.login(LoginResult::Failed);
        Err(LoginError::Panicked)
    });
    match finished? {
        Connected::Yes => Ok(Redirect::to("/tokens")),
        Connected::KeptOld => Ok(Redirect::to(&format!("/tokens?login={WITHOUT_REFRESH_TOKEN}"))),
    }
}

/// All that comes before the exchange.
fn arrive(
    app: &AppState,
    query: CallbackQuery,
    cookies: &Cookies,
    visitor: &Visitor,
) -> Result<(PendingLogin, AuthorizationCode, OwnedSemaphorePermit), LoginError> {
    let state = query.state.clone().ok_or(LoginError::NoPendingLogin)?;
    let Some(login) = app.pending_logins.take(cookies, &state) else {
        return Err(match visitor {
            Visitor::LoggedIn(_) => LoginError::AlreadyLoggedIn,
            Visitor::LoggedOut if app.used_states.contains(&state) => LoginError::Replayed,
            Visitor::LoggedOut => LoginError::NoPendingLogin,
        });
    };
    let code = accept(app, &login, &state, query)?;
    let permit = may_exchange(app)?;
    Ok((login, code, permit))
}

/// A permit for one exchange, unless too many are in flight or too many have failed.
fn may_exchange(app: &AppState) -> Result<OwnedSemaphorePermit, LoginError> {
    let permit = Arc::clone(&app.code_exchanges).try_acquire_owned().map_err(|_| LoginError::TooBusy)?;
    let free = u32::try_from(app.code_exchanges.available_permits()).unwrap_or(0);
    match app.failure_limit.admit(CODE_EXCHANGES.saturating_sub(free), app.clock.monotonic()) {
        Admission::Admitted => Ok(permit),
        Admission::Refused => {
            app.metrics.login_throttled();
            Err(LoginError::TooBusy)
        }
    }
}

/// The checks between the cookie and the exchange.
fn accept(
    app: &AppState,
    login: &PendingLogin,
    state: &CsrfToken,
    query: CallbackQuery,
) -> Result<AuthorizationCode, LoginError> {
    if login.expired(app.clock.now()) {
        return Err(LoginError::Expired);
    }
    if !bool::from(login.state.secret().as_bytes().ct_eq(state.secret().as_bytes())) {
        return Err(LoginError::StateMismatch);
    }
    if app.used_states.mark(state, app.clock.monotonic()) == FirstUse::No {
        return Err(LoginError::Replayed);
    }
    if let Some(received) = query.iss.filter(|iss| *iss != app.issuer) {
        return Err(LoginError::WrongIssuer { expected: app.issuer.clone(), received: excerpt(&received) });
    }
    let description = excerpt(&query.error_description.unwrap_or_default());
    match query.error {
        Some(code) if code == "access_denied" => Err(LoginError::Denied { description }),
        Some(code) => Err(LoginError::Refused { code: excerpt(&code), description }),
        None => query.code.ok_or(LoginError::NoCode),
    }
}

/// Exchanges the code, proves who it is, and saves session and record.
async fn finish(
    app: &AppState,
    login: PendingLogin,
    code: AuthorizationCode,
    session: Session,
    _permit: OwnedSemaphorePermit,
) -> Result<Connected, LoginError> {
    let PendingLogin { nonce, verifier, .. } = login;
    let sent = app.clock.now();
    let exchanged = app.provider.exchange_code(code, Some(verifier)).await;
    let reply = exchanged.inspect_err(|_| app.failure_limit.charge(app.clock.monotonic()))?;
    let identity = identify(app, &reply, &nonce).await?;
    let admitted = admit(app, &identity).await?;
    let TokenResponse { access_token, refresh_token, scope, expires_in, .. } = reply;
    let tokens = TokenSet::dated(access_token, refresh_token, scope, expires_in, sent);
    save(app, &session, &admitted.login, Record::minted(&app.keys, tokens, identity, app.provider.issuer())).await
}

/// The session first, since only then there is an id to key a mint record by; without its record it is taken back.
async fn save(app: &AppState, session: &Session, login: &Login, record: Record) -> Result<Connected, LoginError> {
    let id = session::begin(session, login).await?;
    let (key, limits) = match login {
        Login::Mint => (app.sessions.key(id), Some(app.sessions.limits())),
        Login::Keep { user_id, .. } => (RowKey::of_user(user_id), None),
    };
    let saved = async {
        let stored = app.vault.connect(&key, record, limits).await?;
        if let Login::Keep { user_id, .. } = login {
            let first_connection = app.vault.show(&key).await?.record().body.history.first_connection.clone();
            app.sessions.bind(id, &Login::Keep { user_id: user_id.clone(), first_connection }).await?;
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
