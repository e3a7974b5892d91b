//! The caller's key, which VideoAsk must not see.

use axum::http::{header, request::Parts};
use url::form_urlencoded;

use crate::web::api::auth::bearer;

/// Whether the key that opened this route also stands where it would be passed on. Some clients put their token
/// wherever one might be looked for.
pub(super) fn is_repeated(request: &Parts) -> bool {
    let Some(key) = bearer(&request.headers) else { return false };
    let has = |text: &[u8]| text.windows(key.len()).any(|part| part == key);
    let query = request.uri.query().unwrap_or_default().as_bytes();
    has(request.uri.path().as_bytes())
        || form_urlencoded::parse(query).any(|(name, value)| has(name.as_bytes()) || has(value.as_bytes()))
        || request.headers.iter().any(|(name, value)| name != header::AUTHORIZATION && has(value.as_bytes()))
}
