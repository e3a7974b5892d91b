//! The HTTP API for programs: it takes an API key, returns JSON, and every failure is a [`problem::Problem`].
//!
//! Its routes exist only in keep mode. Their handlers get their [`Caller`](crate::api_key::Caller), without whom they can do
//! nothing, from [`auth::Authenticated`], which checks the key. The exception is [`oauth`], where clients authenticate and failures are written as RFC 6749 requires. Sessions and cookies are layers
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

use axum::Router;

use crate::{config::Mode, web::state::AppState};

/// The routes; none in mint mode.
pub(super) fn router(app: &AppState) -> Router<Arc<AppState>> {
    match app.mode {
        Mode::Mint => Router::new(),
        Mode::Keep(_) => token::router()
            .merge(connections::router())
            .merge(openapi::router())
            .merge(metrics::router())
            .merge(proxy::router())
            .merge(oauth::router()),
    }
}
