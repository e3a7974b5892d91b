//! `GET /api/connections`: what is kept, as `status --json` tells it, and no secret.

use crate::{
    vault::Inventory,
    web::{
        Site,
        api::{Problem, query::NoQuery},
    },
};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};

pub(super) fn router() -> Router<Site> {
    Router::new().route("/api/connections", get(connections))
}

async fn connections(
    State(site): State<Site>,
    query: Result<Query<NoQuery>, QueryRejection>,
) -> Result<Json<Inventory>, Problem> {
    query.map_err(|_| Problem::Invalid("This takes no query."))?;
    Ok(Json(site.vault.inventory(&site.app_url.login()).await?))
}
