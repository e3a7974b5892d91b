//! Whether the process is alive, for whatever may restart it, and ready, for whatever sends it requests.

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde::Serialize;

use crate::{vault::Health, web::state::AppState};

const ALIVE: &str = "/healthz";
const READY: &str = "/readyz";

pub(super) fn router() -> Router<Arc<AppState>> {
    Router::new().route(ALIVE, get(async || "ok\n")).route(READY, get(ready))
}

/// Whether this route is asked so often that a good answer is not worth a line in the log.
pub(super) fn is_probe(route: &str) -> bool {
    [ALIVE, READY].contains(&route)
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

async fn ready(State(app): State<Arc<AppState>>) -> (StatusCode, Json<Readiness>) {
    let (code, status, ailment) = match app.vault.health().await {
        Health::Good => (StatusCode::OK, "ready", None),
        Health::Degraded(ailment) => (StatusCode::OK, "degraded", Some(ailment)),
        Health::Unready(ailment) => (StatusCode::SERVICE_UNAVAILABLE, "unready", Some(ailment)),
    };
    (code, Json(Readiness { status, reason: ailment.map(|ailment| ailment.to_string()) }))
}
