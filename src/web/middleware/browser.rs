//! What every request to a page passes before its handler: one layer for all of it, because with each further layer axum
//! clones and boxes the layers below once more for each request.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};

use crate::web::{
    middleware::{cookie_header, same_origin},
    pages::error::{PageError, RequestError},
    state::AppState,
};

/// Redirects to `APP_URL`, refuses what another site's page sent, and lets only our own cookies through.
pub(crate) async fn check(State(app): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    if let Some(url) = same_origin::canonical(&app.app_url, request.method(), request.headers(), request.uri()) {
        return Redirect::temporary(url.as_str()).into_response();
    }
    if !request.method().is_safe() && !same_origin::is_from_ourselves(&app.app_url, request.headers()) {
        return PageError::Request(RequestError::CrossSite).into_response();
    }
    cookie_header::keep_own(&app.cookie_policy, request.headers_mut());
    let mut response = next.run(request).await;
    cookie_header::complete_all(&app.cookie_policy, response.headers_mut());
    response
}
