//! The headers of every response.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::config::AppUrl;

/// `default-src 'none'` and only what our pages use; nothing inline, so injected markup can neither run nor load.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const PERMISSIONS_POLICY: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

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

/// The headers of every response, built once.
#[derive(Debug)]
pub(crate) struct SecurityHeaders(Vec<(HeaderName, HeaderValue)>);

impl SecurityHeaders {
    pub(crate) fn new(app_url: &AppUrl) -> Self {
        let over_https = app_url.is_https().then_some((header::STRICT_TRANSPORT_SECURITY, ONE_YEAR_OF_HTTPS));
        Self(EVERYWHERE.into_iter().chain(over_https).collect())
    }

    /// Adds them to those of a response. It replaces what the response says itself, but for `Cache-Control`.
    pub(crate) fn add(&self, headers: &mut HeaderMap) {
        headers.reserve(self.0.len() + 1);
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
        headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_response_keeps_all_its_values_but_those_that_are_ours() {
        let variables = [
            ("CLIENT_ID", "demo-client-id"),
            ("CLIENT_SECRET", "demo-client-secret"),
            ("EXPRESS_SESSION", "test-express-session-0123456789abcdef"),
            ("APP_URL", "https://app.example.test"),
        ];
        let config = Config::from_pairs(variables).expect("it is complete").config;
        let security = SecurityHeaders::new(&config.app_url);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::SET_COOKIE, "a=1"),
            (header::CONTENT_SECURITY_POLICY, "default-src *"),
            (header::CONTENT_SECURITY_POLICY, "img-src *"),
            (header::SET_COOKIE, "b=2"),
            (header::CACHE_CONTROL, "max-age=60"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        security.add(&mut headers);
        let values = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(values(header::SET_COOKIE), ["a=1", "b=2"]);
        assert_eq!(values(header::CONTENT_SECURITY_POLICY), [CONTENT_SECURITY_POLICY]);
        assert_eq!(values(header::CACHE_CONTROL), ["max-age=60"]);
        assert_eq!(values(header::STRICT_TRANSPORT_SECURITY), ["max-age=31536000"]);
        security.add(&mut headers);
        assert_eq!(headers.len(), 10, "{headers:?}");
    }
}
