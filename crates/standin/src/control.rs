//! `PUT /_control/faults` sets the faults from outside of the process, as the browser tests need it.

use axum::{Json, Router, extract::State, routing::put};

use super::{StandIn, faults::Faults};

pub(super) fn routes() -> Router<StandIn> {
    Router::new().route("/_control/faults", put(replace))
}

async fn replace(State(standin): State<StandIn>, Json(faults): Json<Faults>) {
    standin.set_faults(faults);
}
