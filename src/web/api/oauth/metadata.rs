//! `GET /.well-known/oauth-authorization-server`: where the token endpoint is, for clients that look it up (RFC 8414).

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use serde::Serialize;
use tower::util::MapRequestLayer;
use url::Url;

use crate::web::{middleware::trace::note_route, state::AppState};

pub(super) fn router() -> Router<Arc<AppState>> {
    let route = get(metadata).layer(MapRequestLayer::new(note_route));
    Router::new().route("/.well-known/oauth-authorization-server", route)
}

#[derive(Serialize)]
struct Metadata {
    issuer: String,
    token_endpoint: Url,
    /// Required, and may not be empty. `none` asks for no code and no token, and there is no authorization endpoint.
    response_types_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
}

async fn metadata(State(app): State<Arc<AppState>>) -> Json<Metadata> {
    Json(Metadata {
        issuer: app.app_url.origin(),
        token_endpoint: app.app_url.join("/oauth/token"),
        response_types_supported: ["none"],
        grant_types_supported: ["client_credentials"],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    })
}
