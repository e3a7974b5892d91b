//! `POST /oauth/revoke`.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};

use super::{
    StandIn, fault_layer,
    faults::Endpoint,
    token::{Refused, body_params, require},
};

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    Router::new().route("/oauth/revoke", fault_layer::with_faults(standin, Endpoint::Revoke, post(revoke)))
}

/// Responds with 200 and no body, whether or not the token was known (RFC 7009, 2.2). Access tokens keep working.
async fn revoke(State(standin): State<StandIn>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, Refused> {
    let params = body_params(&headers, &body)?;
    standin.authenticate(&params)?;
    let token = require(&params, "token")?;
    standin.locked(|state| {
        if state.grants.refresh_tokens.revoke(token) {
            state.counters.revokes += 1;
        }
    });
    Ok(StatusCode::OK)
}
