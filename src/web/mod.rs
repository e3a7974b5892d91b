//! Pages for people, and routes for machines. Every route module has its router beside its handlers; this one puts them together.

mod api;
mod assets;
mod cookies;
mod health;
mod login;
mod middleware;
mod pages;
#[cfg(test)]
pub(crate) mod panicking;
mod session;
mod state;
mod visitor;

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::{StatusCode, Uri},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
};
use tower::{Service, service_fn, util::MapRequestLayer};
use tower_http::{limit::RequestBodyLimitLayer, timeout::RequestBodyTimeoutLayer};

use crate::web::{
    api::{paths::is_for_machines, problem::Problem},
    middleware::trace::LogFields,
    pages::error::{PageError, RequestError},
};

pub(crate) use self::{
    api::problem::{NAMESPACE as PROBLEM_NAMESPACE, TYPE_HEADER as PROBLEM_TYPE_HEADER},
    login::{
        exchange_limit::{CODE_EXCHANGES, FailureLimit},
        loopback,
    },
    middleware::security_headers::SecurityHeaders,
    pages::{explain::explain_login, export::Export},
};
pub use self::{cookies::CookiePolicy, login::pending::PendingLogins, session::Sessions, state::AppState};

/// What answers requests, in clones of its own for each connection.
pub(crate) trait AppService:
    Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> AppService for S where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
}

/// The longest body, in bytes. No form of ours is longer.
const BODY_LIMIT: usize = 64 * 1024;
/// How long the next part of a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The app: every request to the server goes through it.
pub(crate) fn service(app: Arc<AppState>) -> impl AppService {
    let starting_or_ending_sessions = login::router().merge(pages::logout::router()).merge(pages::actions::router());
    let pages = with_sessions(starting_or_ending_sessions, &app)
        .merge(pages::home::router())
        .merge(pages::tokens::router())
        .merge(pages::export::router())
        .merge(pages::forms::router());
    with_pages(app, pages)
}

/// These pages and all other routes. The outermost layer is the last call of `layer`, and the first of a tuple: for each
/// request, axum clones and boxes what each call has wrapped.
fn with_pages(app: Arc<AppState>, pages: Router<Arc<AppState>>) -> impl AppService {
    let router = for_browsers(pages, &app)
        .merge(assets::router())
        .merge(health::router())
        .layer((
            MapRequestLayer::new(middleware::trace::note_route),
            map_response(too_large),
            RequestBodyTimeoutLayer::new(BODY_TIMEOUT),
            RequestBodyLimitLayer::new(BODY_LIMIT),
        ))
        // After the limit on bodies, which does not apply to the proxy.
        .merge(api::router(&app))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(&app));
    service_fn(move |request| middleware::trace::trace(Arc::clone(&app), router.clone(), request))
}

async fn nothing_here(uri: Uri) -> Response {
    if is_for_machines(uri.path()) {
        Problem::NotFound.into_response()
    } else {
        PageError::Request(RequestError::NotFound).into_response()
    }
}

async fn wrong_method(_: LogFields, uri: Uri) -> Response {
    if is_for_machines(uri.path()) {
        Problem::MethodNotAllowed.into_response()
    } else {
        PageError::Request(RequestError::MethodNotAllowed).into_response()
    }
}

/// Replaces the response to a body beyond the limit by a page, which the limiting layer cannot do.
async fn too_large(response: impl IntoResponse) -> Response {
    let response = response.into_response();
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => PageError::Request(RequestError::TooLarge).into_response(),
        _ => response,
    }
}

/// Adds the checks of browser requests to the routes for people.
fn for_browsers(routes: Router<Arc<AppState>>, app: &Arc<AppState>) -> Router<Arc<AppState>> {
    routes.layer(from_fn_with_state(Arc::clone(app), middleware::browser::check))
}

/// Adds the session layer, for routes that start or end a session. A page only reads its session, and for that needs only
/// the cookie.
fn with_sessions(routes: Router<Arc<AppState>>, app: &Arc<AppState>) -> Router<Arc<AppState>> {
    routes.layer(app.sessions.clone().layer(&app.cookie_policy))
}
