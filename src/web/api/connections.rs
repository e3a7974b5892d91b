//! `GET /api/connections`: what is kept, as `status --json` tells it, and no secret.

use std::sync::Arc;

use crate::{
    vault::Inventory,
    web::{
        api::{problem::Problem, query::NoQuery},
        state::AppState,
    },
};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};

pub(super) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/api/connections", get(connections))
}

async fn connections(
    State(app): State<Arc<AppState>>,
    query: Result<Query<NoQuery>, QueryRejection>,
) -> Result<Json<Inventory>, Problem> {
    query.map_err(|_| Problem::Invalid("This takes no query."))?;
    Ok(Json(app.vault.inventory(&app.app_url.login()).await?))
}
