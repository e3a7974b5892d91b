//! `GET /metrics`: the figures, for Prometheus.

use axum::{
    Router,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};

use crate::telemetry::Metrics;

use super::super::Site;

pub(super) fn router() -> Router<Site> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(site): State<Site>) -> Response {
    let figures = site.vault.figures().await;
    ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], site.metrics.page(figures)).into_response()
}
