//! `GET /api/connections`: the same JSON as `status --json`, without any secret.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use serde::Deserialize;

use crate::{
    api_key::Access,
    vault::{Inventory, Part},
    web::{
        api::{
            auth::Authenticated,
            problem::Problem,
            rights::{covered_connections, permit},
        },
        state::AppState,
    },
};

pub(super) fn router() -> Router<Arc<AppState>> {
    Router::new().route("/api/connections", get(connections))
}

/// How many entries a response has at most, if the query does not say.
const DEFAULT_LIMIT: u16 = 100;
const LARGEST_LIMIT: u16 = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartQuery {
    limit: Option<u16>,
    cursor: Option<String>,
}

async fn connections(
    State(app): State<Arc<AppState>>,
    Authenticated(caller): Authenticated,
    query: Result<Query<PartQuery>, QueryRejection>,
) -> Result<Json<Inventory>, Problem> {
    let part = query.ok().and_then(|Query(query)| query.part());
    let part = part.ok_or(Problem::Invalid("This takes limit, a number from 1 to 1000, and cursor, each once."))?;
    permit(&app, &caller, Access::Read, &[])?;
    let login = app.app_url.login();
    Ok(Json(match covered_connections(&app, &caller).await? {
        Some(users) => app.vault.inventory_of(login, users, part).await?,
        None => app.vault.inventory(login, part).await?,
    }))
}

impl PartQuery {
    fn part(self) -> Option<Part> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        (1..=LARGEST_LIMIT).contains(&limit).then(|| Part { after: self.cursor, limit: limit.into() })
    }
}
