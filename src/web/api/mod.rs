//! The HTTP API for programs: it takes an API key, returns JSON, and every failure is a [`problem::Problem`].
//!
//! Its routes exist only if `API_KEY` is set. One layer over all of them checks the key, so no route can forget to.
//! Sessions and cookies are layers of the pages alone, so neither can replace a key.

mod auth;
mod caller_timeout;
mod connections;
mod counting;
pub(crate) mod keys;
mod metrics;
mod openapi;
pub(crate) mod paths;
pub(crate) mod problem;
mod proxy;
mod query;
mod token;
mod user;

use std::sync::Arc;

use axum::{Router, middleware::from_extractor_with_state};
use tower_http::catch_panic::CatchPanicLayer;

use crate::web::{api::auth::Authorized, middleware::panic, state::AppState};

/// The routes, behind the key; none without a key.
pub(super) fn router(app: &Arc<AppState>) -> Router<Arc<AppState>> {
    if app.api_keys.is_empty() {
        return Router::new();
    }
    // One tuple, because each `route_layer` call wraps every route again.
    routes().route_layer((
        from_extractor_with_state::<Authorized, Arc<AppState>>(Arc::clone(app)),
        CatchPanicLayer::custom(panic::problem),
    ))
}

fn routes() -> Router<Arc<AppState>> {
    token::router()
        .merge(connections::router())
        .merge(openapi::router())
        .merge(metrics::router())
        .merge(proxy::router())
}
