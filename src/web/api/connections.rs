//! `GET /api/connections`: what is kept, as `status --json` tells it, and no secret.

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use serde::Deserialize;

use crate::vault::Inventory;

use super::{super::Site, Problem};

pub(super) fn router() -> Router<Site> {
    Router::new().route("/api/connections", get(connections))
}

/// A route that takes no query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

async fn connections(
    State(site): State<Site>,
    query: Result<Query<NoQuery>, QueryRejection>,
) -> Result<Json<Inventory>, Problem> {
    query.map_err(|_| Problem::Invalid("This takes no query."))?;
    Ok(Json(site.vault.inventory().await?))
}
