//! `/.well-known`: the signing keys and the OpenID configuration.

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use super::{
    StandIn, fault_layer,
    faults::{Deviation, Endpoint},
};

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    Router::new().route("/.well-known/jwks.json", fault_layer::with_faults(standin, Endpoint::Jwks, get(jwks))).route(
        "/.well-known/openid-configuration",
        fault_layer::with_faults(standin, Endpoint::Discovery, get(configuration)),
    )
}

async fn jwks(State(standin): State<StandIn>) -> Json<Value> {
    let keys = standin.keys();
    let mut listed = vec![keys.current.jwk()];
    if standin.has(Deviation::NewSigningKey) {
        listed.insert(0, keys.next.jwk());
    }
    Json(json!({ "keys": listed }))
}

async fn configuration(State(standin): State<StandIn>) -> Json<Value> {
    Json(json!({
        "issuer": standin.issuer(),
        "authorization_endpoint": standin.url("/authorize"),
        "token_endpoint": standin.url("/oauth/token"),
        "revocation_endpoint": standin.url("/oauth/revoke"),
        "jwks_uri": standin.url("/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256"],
    }))
}
