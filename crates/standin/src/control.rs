//! `/_control`: faults and counters over HTTP, for tests that run real processes.
//!
//! - `GET`, `PUT`, `PATCH /_control/faults`: [`Faults`] as JSON, such as
//!   `{"mishaps": {"token": [{"kind": "reply_lost", "times": 1}]}, "quirks": ["no_id_token"], "clock_offset": 300}`
//! - `GET`, `DELETE /_control/counters`: [`Counters`] as JSON
//! - `POST /_control/refused-access-tokens`: the body is an access token that the API refuses from now on
//! - `POST /_control/ended-grants`: the body is the e-mail of a user whose refresh tokens all end
//! - `POST /_control/reset`: resets everything but the options

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    StandIn,
    counters::Counters,
    faults::{Endpoint, Faults, Planned, Quirk},
};

pub(super) fn routes() -> Router<StandIn> {
    Router::new()
        .route("/_control/faults", get(faults).put(replace).patch(change))
        .route("/_control/counters", get(counters).delete(reset_counters))
        .route("/_control/reset", post(reset))
        .route("/_control/refused-access-tokens", post(refuse))
        .route("/_control/ended-grants", post(end_grants))
}

/// Replaces the fields that are present, in `mishaps` by endpoint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(default)]
    mishaps: BTreeMap<Endpoint, VecDeque<Planned>>,
    quirks: Option<BTreeSet<Quirk>>,
    clock_offset: Option<i64>,
    id_claims: Option<BTreeMap<String, Option<Value>>>,
    me: Option<BTreeMap<String, Option<Value>>>,
}

async fn faults(State(standin): State<StandIn>) -> Json<Faults> {
    Json(standin.faults())
}

async fn replace(State(standin): State<StandIn>, Json(faults): Json<Faults>) -> Json<Faults> {
    standin.set_faults(faults);
    Json(standin.faults())
}

async fn change(State(standin): State<StandIn>, Json(change): Json<Change>) -> Json<Faults> {
    standin.change_faults(|faults| {
        faults.mishaps.extend(change.mishaps);
        faults.quirks = change.quirks.unwrap_or_else(|| std::mem::take(&mut faults.quirks));
        faults.clock_offset = change.clock_offset.unwrap_or(faults.clock_offset);
        faults.id_claims = change.id_claims.unwrap_or_else(|| std::mem::take(&mut faults.id_claims));
        faults.me = change.me.unwrap_or_else(|| std::mem::take(&mut faults.me));
    });
    Json(standin.faults())
}

async fn counters(State(standin): State<StandIn>) -> Json<Counters> {
    Json(standin.counters())
}

async fn reset_counters(State(standin): State<StandIn>) -> StatusCode {
    standin.reset_counters();
    StatusCode::NO_CONTENT
}

async fn reset(State(standin): State<StandIn>) -> StatusCode {
    standin.reset();
    StatusCode::NO_CONTENT
}

async fn refuse(State(standin): State<StandIn>, token: String) -> StatusCode {
    standin.refuse_access_token(token);
    StatusCode::NO_CONTENT
}

async fn end_grants(State(standin): State<StandIn>, email: String) -> StatusCode {
    standin.end_grants_of(&email);
    StatusCode::NO_CONTENT
}
