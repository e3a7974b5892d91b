//! The HTTP API for programs: it takes an API key, returns JSON, and every failure is a [`problem::Problem`].
//!
//! Its routes exist only in keep mode. One layer over all of them checks the key, so no route can forget it. The exception
//! is [`oauth`], where clients authenticate and failures are written as RFC 6749 requires. Sessions and cookies are layers
//! of the pages only, so they cannot replace a key.

pub(crate) mod auth;
mod caller_timeout;
mod connections;
mod counting;
mod metrics;
mod oauth;
mod openapi;
pub(crate) mod paths;
pub(crate) mod problem;
mod proxy;
mod query;
mod rights;
mod token;
mod user;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};
use tower::util::MapRequestLayer;

use crate::{
    config::Mode,
    web::{api::auth::authenticate, middleware::trace::note_route, state::AppState},
};

/// The routes, behind the key; none in mint mode.
pub(super) fn router(app: &Arc<AppState>) -> Router<Arc<AppState>> {
    match app.mode {
        Mode::Mint => return Router::new(),
        Mode::Keep(_) => {}
    }
    let authenticate = from_fn_with_state(Arc::clone(app), authenticate);
    // One tuple, because each `route_layer` call wraps every route again.
    let routes = routes().route_layer((MapRequestLayer::new(note_route), authenticate));
    routes.merge(oauth::router().route_layer(MapRequestLayer::new(note_route)))
}

fn routes() -> Router<Arc<AppState>> {
    token::router()
        .merge(connections::router())
        .merge(openapi::router())
        .merge(metrics::router())
        .merge(proxy::router())
}
