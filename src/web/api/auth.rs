//! Rejects a machine request without a valid API key.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::web::{
    api::{counting, problem::Problem},
    middleware::trace::LogFields,
    state::AppState,
};

/// Passes a request with a valid key on, with its [`Caller`](crate::api_key::Caller) as an extension for the handler.
pub(super) async fn authenticate(State(app): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let authenticated = match bearer(request.headers()) {
        Some(key) => app.api_keys.authenticate(key).await.map_err(Problem::from),
        None => Err(Problem::KeyMissing),
    };
    match authenticated {
        Ok(caller) => {
            if let Some(fields) = request.extensions().get::<LogFields>() {
                fields.set_caller(&caller);
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => {
            counting::unauthorized(&app.metrics, &request, &problem);
            problem.into_response()
        }
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
