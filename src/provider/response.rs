//! Reads the responses of the token and revocation endpoints, and classifies each failure once, for all callers. A
//! status of 429 or 5xx decides first. A success with the expected body comes next, and then the `error` code, whatever
//! the status.

use oauth2::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::{
    http::{self, ReadError},
    provider::{
        exchange_error::{ExchangeError, ResponseProblem},
        token::{PartialTokens, is_bearer},
    },
    telemetry::excerpt_without,
};

pub(super) type Json = Map<String, Value>;

/// Reads what is expected in the body of a success, if it is there. The body may be other than a JSON object.
pub(super) type ReadBody<T> = fn(Option<&Json>) -> Option<T>;

/// Expects anything without an `error`: the client ignores the body of the response to a revocation (RFC 7009, 2.2).
pub(super) fn without_error(json: Option<&Json>) -> Option<()> {
    json.is_none_or(|json| !json.contains_key("error")).then_some(())
}

/// A response whose body may be unreadable.
pub(super) struct RawResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Result<bytes::Bytes, ReadError>,
}

impl RawResponse {
    /// The expected body of a success, or the classified failure. No error quotes `secrets`, the secrets of the request.
    pub(super) fn read<T>(
        self,
        expected: ReadBody<T>,
        secrets: &[&str],
        now: OffsetDateTime,
    ) -> Result<T, ExchangeError> {
        let json = self.body.as_ref().ok().and_then(|body| object(body));
        let quoted = |name| {
            let text = json.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty())?;
            Some(excerpt_without(text, secrets.iter().copied()))
        };
        let status = self.status.as_u16();
        let code = json.as_ref().and_then(plain_code).or_else(|| quoted("error"));
        if self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error() {
            return Err(ExchangeError::Unavailable {
                status,
                code,
                retry_after: http::retry_after(&self.headers, now),
            });
        }
        let malformed = |problem| {
            let partial = json.as_ref().filter(|_| self.status.is_success()).and_then(PartialTokens::read);
            ExchangeError::MalformedResponse { status, problem, partial: partial.map(Box::new) }
        };
        let body = match self.body {
            Ok(body) => body,
            Err(ReadError::Interrupted(source)) => return Err(ExchangeError::NoResponse { source: source.into() }),
            Err(ReadError::TooLarge) => return Err(malformed(ResponseProblem::TooLarge)),
        };
        if self.status.is_success()
            && let Some(read) = expected(json.as_ref())
        {
            return Ok(read);
        }
        Err(match (code, &json) {
            (Some(code), _) if is_transient(&code) => ExchangeError::Unavailable {
                status,
                code: Some(code),
                retry_after: http::retry_after(&self.headers, now),
            },
            (Some(code), _) => ExchangeError::refused(status, code, quoted("error_description").unwrap_or_default()),
            (None, _) if self.status.is_redirection() => malformed(ResponseProblem::Redirect),
            (None, Some(json)) if is_bearer(json) => malformed(ResponseProblem::NoToken),
            (None, Some(_)) => malformed(ResponseProblem::NotBearer),
            (None, None) if body.trim_ascii_start().starts_with(b"<") => malformed(ResponseProblem::Html),
            (None, None) => malformed(ResponseProblem::NotJson),
        })
    }
}

/// The JSON object in a body. Neither a byte order mark, which a reader may ignore (RFC 8259, 8.1), nor a field that is not
/// UTF-8 may lose the tokens in it.
fn object(body: &[u8]) -> Option<Json> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()
}

/// Whether the code means "try again later", whatever the status.
fn is_transient(code: &str) -> bool {
    matches!(code, "too_many_requests" | "temporarily_unavailable" | "server_error")
}

/// The `error` code, unredacted, if it has the form of an OAuth code. The request's `code` comes from the callback's
/// URL, so anyone can make it `invalid_grant`; redacting that would change the class of the error.
fn plain_code(json: &Json) -> Option<String> {
    let code = json.get("error")?.as_str()?;
    let plain = (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    plain.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::provider::token::TokenResponse;

    const NOW: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<TokenResponse, ExchangeError> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().expect("a header name"), value.parse().expect("a header value")))
            .collect();
        let status = StatusCode::from_u16(status).expect("a status");
        RawResponse { status, headers, body: Ok(body.to_owned().into()) }.read(
            |json| json.and_then(TokenResponse::read),
            &["canary"],
            NOW,
        )
    }

    fn wait(headers: &[(&'static str, &str)]) -> Option<u64> {
        match answer(429, headers, "") {
            Err(ExchangeError::Unavailable { retry_after, .. }) => retry_after.map(|wait| wait.as_secs()),
            other => panic!("429 is busy, not {other:?}"),
        }
    }

    #[test]
    fn an_error_code_decides_whatever_the_status() {
        for status in [200, 302, 400, 401, 403, 418] {
            let refused = answer(status, &[], r#"{"error":"invalid_grant","error_description":"Unknown canary."}"#);
            let Err(ExchangeError::Refused { status: came, code, description, .. }) = refused else {
                panic!("{refused:?}")
            };
            assert_eq!((came, code.as_str(), description.as_str()), (status, "invalid_grant", "Unknown [redacted]."));
        }
    }

    #[test]
    fn what_was_sent_does_not_change_the_class_of_an_error() {
        let refused = answer(403, &[], r#"{"error":"canary","error_description":"canary"}"#);
        let Err(ExchangeError::Refused { code, description, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((code.as_str(), description.as_str()), ("canary", "[redacted]"));
    }

    #[test]
    fn what_is_neither_token_nor_error_is_named() {
        for (status, body, expected) in [
            (200, " <!doctype html>", ResponseProblem::Html),
            (200, "", ResponseProblem::NotJson),
            (200, "[]", ResponseProblem::NotJson),
            (200, r#"{"access_token":""}"#, ResponseProblem::NoToken),
            (200, r#"{"access_token":"a","token_type":"mac"}"#, ResponseProblem::NotBearer),
            (400, r#"{"access_token":"a"}"#, ResponseProblem::NoToken),
            (302, "", ResponseProblem::Redirect),
        ] {
            let came = answer(status, &[], body);
            assert!(
                matches!(came, Err(ExchangeError::MalformedResponse { problem, .. }) if problem == expected),
                "{body}: {came:?}"
            );
        }
    }

    #[test]
    fn neither_a_byte_order_mark_nor_another_encoding_of_a_field_loses_the_tokens() {
        for body in [
            b"\xef\xbb\xbf{\"access_token\":\"a\",\"refresh_token\":\"r\"}".as_slice(),
            b"{\"access_token\":\"a\",\"refresh_token\":\"r\",\"name\":\"Andr\xe9\"}",
        ] {
            let json = object(body).expect("an object");
            let read = TokenResponse::read(&json).expect("a usable token");
            assert_eq!(read.access_token.secret(), "a");
            assert_eq!(read.refresh_token.expect("rotated").secret(), "r");
        }
    }

    #[test]
    fn a_refresh_token_beside_an_unusable_access_token_is_not_lost() {
        for (status, body, expected) in [
            (200, r#"{"refresh_token":"r"}"#, Some("r")),
            (200, r#"{"access_token":"a b","refresh_token":"r"}"#, Some("r")),
            (200, r#"{"access_token":"a","token_type":"mac","refresh_token":"r"}"#, Some("r")),
            (200, r#"{"refresh_token":""}"#, None),
            (400, r#"{"refresh_token":"r"}"#, None),
        ] {
            let Err(ExchangeError::MalformedResponse { partial, .. }) = answer(status, &[], body) else {
                panic!("{body} has no usable token")
            };
            let refresh_token = partial.map(|partial| partial.refresh_token.into_secret());
            assert_eq!(refresh_token.as_deref(), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_wait_is_read_from_either_header_and_kept_in_bounds() {
        let reset = (NOW.unix_timestamp() + 90).to_string();
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "Tue, 24 Nov 2026 08:02:00 GMT")]), Some(120));
        assert_eq!(wait(&[("x-ratelimit-reset", &reset)]), Some(90));
        assert_eq!(wait(&[("retry-after", "7"), ("x-ratelimit-reset", &reset)]), Some(7));
        assert_eq!(wait(&[("retry-after", "soon"), ("x-ratelimit-reset", "1")]), Some(1));
        assert_eq!(wait(&[("retry-after", "99999999999")]), Some(900));
        assert_eq!(wait(&[]), None);
    }
}
