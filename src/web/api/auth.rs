//! Rejects a machine request without a valid API key.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use crate::{
    api_key::Caller,
    web::{
        api::{counting, problem::Problem},
        middleware::trace::LogFields,
        state::AppState,
    },
};

/// The caller of a request. As an extractor, it rejects a request without a valid API key. Whatever a handler does for a
/// user, or for a key with a right, takes a [`Caller`], and this is where one comes from.
pub(super) struct Authenticated(pub(super) Arc<Caller>);

impl FromRequestParts<Arc<AppState>> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(request: &mut Parts, app: &Arc<AppState>) -> Result<Self, Problem> {
        let log_fields = LogFields::of(&request.extensions);
        let authenticated = match bearer(&request.headers) {
            Some(key) => app.api_keys.authenticate(key).await.map_err(Problem::from),
            None => Err(Problem::KeyMissing),
        };
        match &authenticated {
            Ok(caller) => log_fields.set_caller(caller),
            Err(problem) => counting::unauthorized(&app.metrics, request, problem),
        }
        authenticated.map(Self)
    }
}

/// The bearer token of a request (RFC 6750, 2.1); none if there are two `Authorization` headers.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (all.next()?.as_bytes(), all.next()) else { return None };
    let (scheme, credential) = only.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| credential.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        assert_eq!(bearer(&headers(&["bEARER key"])), Some(b"key".as_slice()));
        assert_eq!(bearer(&headers(&["Bearer  key"])), Some(b"key".as_slice()));
    }

    #[test]
    fn no_other_scheme_and_no_second_header_will_do() {
        for wrong in [&[][..], &["Basic key"], &["key"], &["Bearer"], &["Bearerkey"], &["Bearer a", "Bearer a"]] {
            assert_eq!(bearer(&headers(wrong)), None, "{wrong:?}");
        }
    }
}
