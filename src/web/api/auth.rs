//! Rejects a machine request without a valid API key.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::web::{
    api::{counting, keys::bearer, problem::Problem},
    state::AppState,
};

/// Proof that a request carries one of the keys in `API_KEY`.
pub(super) struct Authorized;

impl FromRequestParts<Arc<AppState>> for Authorized {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, Problem> {
        let problem = match bearer(&parts.headers) {
            Some(key) if app.api_keys.accepts(key) => return Ok(Self),
            Some(_) => Problem::KeyWrong,
            None => Problem::KeyMissing,
        };
        counting::unauthorized(&app.metrics, parts, &problem);
        Err(problem)
    }
}
