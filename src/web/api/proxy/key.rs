//! The caller's key, which VideoAsk must not see.

use axum::http::{header, request::Parts};
use url::form_urlencoded;

use crate::web::api::auth::bearer;

/// Whether the request has its API key also in a place that would be forwarded. Some clients send their token in several
/// places at once.
pub(super) fn is_repeated(request: &Parts) -> bool {
    let Some(key) = bearer(&request.headers) else { return false };
    let has = |text: &[u8]| text.windows(key.len()).any(|part| part == key);
    let query = request.uri.query().unwrap_or_default().as_bytes();
    has(request.uri.path().as_bytes())
        || form_urlencoded::parse(query).any(|(name, value)| has(name.as_bytes()) || has(value.as_bytes()))
        || request.headers.iter().any(|(name, value)| name != header::AUTHORIZATION && has(value.as_bytes()))
}
