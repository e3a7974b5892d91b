//! The routes of a login: the redirect to VideoAsk, and the callback.

pub(crate) mod error;
pub(crate) mod exchange_limit;
pub(crate) mod loopback;
pub(crate) mod pending;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{
        StatusCode,
        header::{ALLOW, LOCATION},
    },
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use oauth2::AuthorizationCode;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tower_cookies::Cookies;
use tower_sessions::Session;

use crate::{
    login::{Admitted, Callback, LoginError, Owner, PendingLogin},
    provider::Prompt,
    store::RowKey,
    telemetry::{self, LoginResult},
    vault::{Connected, Record},
    web::{
        login::{
            error::CallbackError,
            exchange_limit::{Admission, CODE_EXCHANGES},
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
    // axum would run GET's handler for HEAD, so a link preview would start a login or spend a code.
    let start = get(start).head(only_get).fallback(only_get);
    let callback = get(callback).head(only_get).fallback(only_get);
    Router::new().route("/auth/videoask", start).route("/auth/videoask/callback", callback)
}

async fn only_get() -> impl IntoResponse {
    ([(ALLOW, "GET")], PageError::Request(RequestError::MethodNotAllowed))
}

#[derive(Deserialize)]
struct StartQuery {
    prompt: Option<String>,
}

/// Starts a login: saves it in a cookie, and redirects the browser to VideoAsk.
async fn start(
    State(app): State<Arc<AppState>>,
    query: Result<Query<StartQuery>, QueryRejection>,
    cookies: Cookies,
) -> Result<Response, PageError> {
    let Query(query) = query.map_err(|_| PageError::Request(RequestError::BadQuery))?;
    let prompt = match query.prompt.as_deref() {
        None => None,
        Some("login") => Some(Prompt::Login),
        Some(_) => return Err(PageError::Request(RequestError::BadQuery)),
    };
    let (login, url) = app.logins.start(prompt);
    app.pending_logins.begin(&cookies, &login);
    Ok((StatusCode::FOUND, [(LOCATION, String::from(url))]).into_response())
}

/// Checks the callback, then exchanges its code.
async fn callback(
    State(app): State<Arc<AppState>>,
    callback: Result<Query<Callback>, QueryRejection>,
    cookies: Cookies,
    session: Session,
    visitor: Visitor,
) -> Result<Redirect, PageError> {
    let arrived = arrive(&app, callback, &cookies, &visitor);
    let (login, code, permit) = arrived.inspect_err(|error| app.metrics.login(error.into()))?;
    let metrics = app.metrics.clone();
    // In a task of its own, so that a browser that disconnects cancels neither the exchange nor the save.
    let finish = async move {
        let finished = finish(&app, login, code, session, permit).await;
        app.metrics.login(finished.as_ref().map_or_else(LoginResult::from, |_| LoginResult::Ok));
        finished
    };
    let finished = tokio::spawn(telemetry::in_current_request(finish)).await.unwrap_or_else(|_| {
        metrics.login(LoginResult::Failed);
        Err(CallbackError::Panicked)
    });
    match finished? {
        Connected::Yes(_) => Ok(Redirect::to("/tokens")),
        Connected::KeptOld => Ok(Redirect::to(&format!("/tokens?login={WITHOUT_REFRESH_TOKEN}"))),
    }
}

/// Everything before the exchange: takes the pending login, checks the callback, and gets a permit.
fn arrive(
    app: &AppState,
    callback: Result<Query<Callback>, QueryRejection>,
    cookies: &Cookies,
    visitor: &Visitor,
) -> Result<(PendingLogin, AuthorizationCode, OwnedSemaphorePermit), CallbackError> {
    let Query(callback) = callback.map_err(|_| CallbackError::NoPendingLogin)?;
    let Some(login) = app.pending_logins.take(cookies, &callback.state) else {
        return Err(match visitor {
            Visitor::LoggedIn(_) => CallbackError::AlreadyLoggedIn,
            Visitor::LoggedOut if app.logins.was_used(&callback.state) => LoginError::Replayed.into(),
            Visitor::LoggedOut => CallbackError::NoPendingLogin,
        });
    };
    let code = app.logins.accept(&login, callback)?;
    let permit = may_exchange(app)?;
    Ok((login, code, permit))
}

/// A permit for one exchange, unless too many are in flight or too many have failed.
fn may_exchange(app: &AppState) -> Result<OwnedSemaphorePermit, CallbackError> {
    let permit = Arc::clone(&app.code_exchanges).try_acquire_owned().map_err(|_| CallbackError::TooBusy)?;
    let free = u32::try_from(app.code_exchanges.available_permits()).unwrap_or(0);
    match app.failure_limit.admit(CODE_EXCHANGES.saturating_sub(free), app.clock.monotonic()) {
        Admission::Admitted => Ok(permit),
        Admission::Refused => {
            app.metrics.login_throttled();
            Err(CallbackError::TooBusy)
        }
    }
}

/// Exchanges the code, and saves session and record. Both are boxed, since the task's future, which has room for them, is
/// moved several times.
async fn finish(
    app: &AppState,
    login: PendingLogin,
    code: AuthorizationCode,
    session: Session,
    _permit: OwnedSemaphorePermit,
) -> Result<Connected, CallbackError> {
    let redeemed = Box::pin(app.logins.redeem(login, code)).await;
    let admitted = redeemed.inspect_err(|error| {
        if let LoginError::Exchange(_) = error {
            app.failure_limit.charge(app.clock.monotonic());
        }
    })?;
    Box::pin(save(app, &session, admitted)).await
}

/// Saves a new session and the record in one step.
async fn save(app: &AppState, session: &Session, admitted: Admitted) -> Result<Connected, CallbackError> {
    let Admitted { owner, record, entry } = admitted;
    let id = session::renew(session).await?;
    let limits = app.sessions.limits();
    let saved = async {
        match owner {
            Owner::Caller => {
                let row = |_: &Record| app.sessions.row(id, &Login::Mint, limits);
                Ok(app.vault.connect(&app.sessions.key(id), record, Some(limits), Some(&row)).await?)
            }
            Owner::User(user_id) => {
                let row = |record: &Record| app.sessions.row(id, &Login::kept(&user_id, record), limits);
                let connected = app.logins.connect(&user_id, record, entry, Some(&row)).await?;
                if connected == Connected::KeptOld {
                    let shown = app.vault.show(&RowKey::of_user(&user_id)).await?;
                    app.sessions.insert(&row(shown.record())).await?;
                }
                Ok(connected)
            }
        }
    };
    match saved.await {
        Ok(stored) => Ok(stored),
        Err(error) => {
            if let Err(error) = session.flush().await {
                tracing::warn!(cause = telemetry::chain(&error), "the session of a failed login may be left behind");
            }
            Err(error)
        }
    }
}
