//! Whether the process is alive, for whatever may restart it.

use axum::{Router, routing::get};

use super::Site;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/healthz", get(async || "ok\n"))
}
