//! The headers of every response.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::AppUrl;

/// `default-src 'none'` and only what our pages use; nothing inline, so injected markup can neither run nor load.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const PERMISSIONS_POLICY: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// The headers of every response. They are constants, because building them at run time would check each byte each time.
const EVERYWHERE: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // With `no-referrer` browsers would send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS_POLICY)),
];
const ONE_YEAR_OF_HTTPS: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Adds these headers to a response.
pub(crate) fn add(app_url: &AppUrl, headers: &mut HeaderMap) {
    // One allocation in place of several.
    headers.reserve(EVERYWHERE.len() + 3);
    for (name, value) in EVERYWHERE {
        headers.insert(name, value);
    }
    if app_url.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONE_YEAR_OF_HTTPS);
    }
    // Only static files set another value.
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
}
