//! Routes for machines: an API key in, JSON out, and every failure a [`Problem`].
//!
//! They exist only where `API_KEY` is set. The key is asked for once, by a layer over all of them, so no route can
//! forget it; sessions and cookies are layers of the pages alone, so neither can ever stand for a key.

mod caller_timeout;
mod connections;
mod counting;
mod keys;
mod metrics;
mod openapi;
mod problem;
mod proxy;
mod query;
mod token;
mod user;

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::web::{Site, api::keys::Admitted, middleware::panic};

pub use self::keys::ApiKeys;
pub(super) use self::{
    problem::{Problem, ProblemReport},
    proxy::ROOM,
};

/// The machine routes, behind the key; none without one.
pub(super) fn router(site: &Site) -> Router<Site> {
    if site.api_keys.is_empty() {
        return Router::new();
    }
    // Both as one, since a router pays for each layer anew.
    routes().route_layer((
        middleware::from_extractor_with_state::<Admitted, Site>(site.clone()),
        CatchPanicLayer::custom(panic::problem),
    ))
}

fn routes() -> Router<Site> {
    token::router()
        .merge(connections::router())
        .merge(openapi::router())
        .merge(metrics::router())
        .merge(proxy::router())
}

/// Whether machines ask for this path, so that what is not there is told in their language.
pub(super) fn is_for_machines(path: &str) -> bool {
    ["/api", proxy::ROOM, "/metrics"]
        .iter()
        .any(|room| path.strip_prefix(room).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
