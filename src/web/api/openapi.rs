//! `GET /api/openapi.json`: the description of the machine API. The tests check the routes against it.

use std::sync::Arc;

use axum::{Router, http::header, routing::get};

use crate::web::{api::auth::Authenticated, middleware::compression, state::AppState};

const DESCRIPTION: &str = include_str!("openapi.json");

pub(super) fn router() -> Router<Arc<AppState>> {
    Router::new()
        .route(
            "/api/openapi.json",
            get(async |_: Authenticated| ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)),
        )
        .layer(compression::of_embedded_files())
}
