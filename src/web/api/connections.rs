//! `GET /api/connections`: what is kept, as `status --json` tells it, and no secret.

use std::sync::Arc;

use crate::{
    api_key::{Access, Caller},
    store::RowKey,
    vault::{Inventory, SealingKeyUsage},
    web::{
        api::{
            problem::Problem,
            query::NoQuery,
            rights::{covered_connections, permit},
        },
        state::AppState,
    },
};
use axum::{
    Extension, Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};

pub(super) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/api/connections", get(connections))
}

async fn connections(
    State(app): State<Arc<AppState>>,
    Extension(caller): Extension<Arc<Caller>>,
    query: Result<Query<NoQuery>, QueryRejection>,
) -> Result<Json<Inventory>, Problem> {
    query.map_err(|_| Problem::Invalid("This takes no query."))?;
    permit(&app, &caller, Access::Read, &[])?;
    let users = covered_connections(&app, &caller).await?;
    let mut inventory = app.vault.inventory(&app.app_url.login()).await?;
    if let Some(users) = users {
        limit(&mut inventory, &users);
    }
    Ok(Json(inventory))
}

/// Leaves out what is not about these users. What was forgotten has no connection that tells whose it was.
fn limit(inventory: &mut Inventory, users: &[RowKey]) {
    let Inventory { login_url: _, connections, imports, forgotten, unreadable, sealed_by } = inventory;
    let is_covered = |user_id: &str| users.contains(&RowKey::of_user(user_id));
    connections.retain(|connection| connection.user_id.as_deref().is_some_and(is_covered));
    imports.clear();
    forgotten.clear();
    unreadable.clear();
    *sealed_by = SealingKeyUsage::default();
}
