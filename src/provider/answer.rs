//! How the token endpoint's answers are read: by status 429 and 5xx first, then by `error` code, never by status class.

use std::{fmt, time::Duration};

use oauth2::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{
    http::ReadError,
    provider::{
        refusal::Refusal,
        token::{TokenReply, is_bearer},
    },
    telemetry::{ExchangeResult, excerpt_without},
};

const TRANSIENT: [&str; 3] = ["too_many_requests", "temporarily_unavailable", "server_error"];
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// What the transport says.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an exchange gave no token set. What it quotes is escaped, cut, and free of what was sent.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// There was no connection, so nothing was sent.
    #[error("VideoAsk could not be reached; nothing was sent")]
    NotSent {
        /// Why not.
        source: Cause,
    },
    /// The request was sent, then cut or timed out: the outcome is unknown.
    #[error("the request was sent, but no answer came back in time")]
    NoAnswer {
        /// What cut it.
        source: Cause,
    },
    /// VideoAsk cannot answer now; the same request may succeed later.
    #[error("VideoAsk is busy or out of order (status {status})")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// The `error` code, where there was one.
        code: Option<String>,
        /// By `Retry-After` or `X-RateLimit-Reset`, within 1 s to 15 min.
        retry_after: Option<Duration>,
    },
    /// VideoAsk decided against it, whatever the status.
    #[error("VideoAsk refused: {code}{}", in_brackets(.description))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The `error` code.
        code: String,
        /// The `error_description`, or empty.
        description: String,
    },
    /// Neither a token set nor an error that OAuth knows.
    #[error("VideoAsk's answer makes no sense here: status {status}, {what}")]
    Nonsense {
        /// The HTTP status.
        status: u16,
        /// What it looks like.
        what: Nonsense,
    },
}

/// What to count an exchange as. The classes are those that the vault acts by.
pub(super) fn result(answer: &Result<TokenReply, ExchangeError>) -> ExchangeResult {
    match answer {
        Ok(_) => ExchangeResult::Tokens,
        Err(ExchangeError::NoAnswer { .. }) => ExchangeResult::Unknown,
        Err(ExchangeError::Refused { status, code, description }) => match Refusal::of(*status, code, description) {
            Refusal::GrantEnded => ExchangeResult::Dead,
            Refusal::InteractionRequired
            | Refusal::UserBlocked
            | Refusal::ClientRejected
            | Refusal::Denied
            | Refusal::Other => ExchangeResult::Blocked,
        },
        Err(ExchangeError::NotSent { .. } | ExchangeError::Busy { .. } | ExchangeError::Nonsense { .. }) => {
            ExchangeResult::Transient
        }
    }
}

/// What an answer without token and error code looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonsense {
    /// Tokens are not sent after a redirect.
    Redirect,
    /// More than 1 MiB.
    TooLarge,
    /// A page for people.
    Html,
    /// Not a JSON object.
    NotJson,
    /// JSON, but no usable access token.
    NoToken,
    /// JSON with a token that is not a bearer token (RFC 6749, 7.1).
    NotBearer,
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redirect => "a redirect",
            Self::TooLarge => "more than 1 MiB",
            Self::Html => "a web page",
            Self::NotJson => "not JSON",
            Self::NoToken => "JSON without a usable access token",
            Self::NotBearer => "JSON with a token whose token_type is not Bearer",
        })
    }
}

type Json = Map<String, Value>;

/// What makes an answer a success, beside its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// A usable token set.
    Tokens,
    /// Nothing: a revocation is answered with an empty body (RFC 7009, 2.2).
    Nothing,
}

impl Wanted {
    fn is_in(self, json: Option<&Json>) -> bool {
        match self {
            Self::Tokens => json.and_then(TokenReply::read).is_some(),
            Self::Nothing => json.is_none_or(|json| !json.contains_key("error")),
        }
    }
}

/// An answer of the token endpoint, whatever came of its body.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Result<bytes::Bytes, ReadError>,
}

impl Answer {
    /// The body, if it holds what is wanted. `sent` are the secrets of the request, which no error repeats.
    pub(super) fn into_wanted(
        self,
        wanted: Wanted,
        sent: &[String],
        now: OffsetDateTime,
    ) -> Result<bytes::Bytes, ExchangeError> {
        let json: Option<Json> = self.body.as_ref().ok().and_then(|body| serde_json::from_slice(body).ok());
        let quoted = |name| {
            let text = json.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty())?;
            Some(excerpt_without(text, sent.iter().map(String::as_str)))
        };
        let status = self.status.as_u16();
        let code = json.as_ref().and_then(plain_code).or_else(|| quoted("error"));
        if self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error() {
            return Err(ExchangeError::Busy { status, code, retry_after: retry_after(&self.headers, now) });
        }
        let body = match self.body {
            Ok(body) => body,
            Err(ReadError::Cut(source)) => return Err(ExchangeError::NoAnswer { source: source.into() }),
            Err(ReadError::TooLarge) => return Err(ExchangeError::Nonsense { status, what: Nonsense::TooLarge }),
        };
        if self.status.is_success() && wanted.is_in(json.as_ref()) {
            return Ok(body);
        }
        Err(match code {
            Some(code) if TRANSIENT.contains(&code.as_str()) => {
                ExchangeError::Busy { status, code: Some(code), retry_after: retry_after(&self.headers, now) }
            }
            Some(code) => {
                ExchangeError::Refused { status, code, description: quoted("error_description").unwrap_or_default() }
            }
            None if self.status.is_redirection() => ExchangeError::Nonsense { status, what: Nonsense::Redirect },
            None => match json {
                Some(json) if is_bearer(&json) => ExchangeError::Nonsense { status, what: Nonsense::NoToken },
                Some(_) => ExchangeError::Nonsense { status, what: Nonsense::NotBearer },
                None => ExchangeError::Nonsense { status, what: unreadable(&body) },
            },
        })
    }
}

/// An `error` code as OAuth writes them. It is taken literally, since a made-up `code` in the callback may
/// be any text, even `invalid_grant`, and the class of an error must not depend on that.
fn plain_code(json: &Json) -> Option<String> {
    let code = json.get("error")?.as_str()?;
    let plain = (1..=40).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    plain.then(|| code.to_owned())
}

fn unreadable(body: &[u8]) -> Nonsense {
    if body.trim_ascii_start().starts_with(b"<") { Nonsense::Html } else { Nonsense::NotJson }
}

fn in_brackets(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}

/// How long to wait by `Retry-After` (seconds or a date), else by `X-RateLimit-Reset` (epoch seconds).
fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let until = |moment: OffsetDateTime| Duration::try_from(moment - now).unwrap_or_default();
    let asked = text(header::RETRY_AFTER.as_str())
        .and_then(|value| value.parse().map(Duration::from_secs).ok().or_else(|| http_date(value).map(until)));
    let reset = || {
        let seconds = text("x-ratelimit-reset")?.parse().ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok().map(until)
    };
    asked.or_else(reset).map(|wait| wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// A date as HTTP writes it (RFC 9110, section 5.6.7).
pub(super) fn http_date(value: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value, &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<bytes::Bytes, ExchangeError> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().expect("a header name"), value.parse().expect("a header value")))
            .collect();
        let status = StatusCode::from_u16(status).expect("a status");
        Answer { status, headers, body: Ok(body.to_owned().into()) }.into_wanted(
            Wanted::Tokens,
            &["canary".to_owned()],
            NOW,
        )
    }

    fn wait(headers: &[(&'static str, &str)]) -> Option<u64> {
        match answer(429, headers, "") {
            Err(ExchangeError::Busy { retry_after, .. }) => retry_after.map(|wait| wait.as_secs()),
            other => panic!("429 is busy, not {other:?}"),
        }
    }

    #[test]
    fn an_error_code_decides_whatever_the_status() {
        for status in [200, 302, 400, 401, 403, 418] {
            let refused = answer(status, &[], r#"{"error":"invalid_grant","error_description":"Unknown canary."}"#);
            let Err(ExchangeError::Refused { status: came, code, description }) = refused else {
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
    fn transient_statuses_and_codes_are_busy() {
        for (status, body) in [
            (429, r#"{"error":"invalid_grant"}"#),
            (500, r#"{"access_token":"a"}"#),
            (503, "<html>"),
            (400, r#"{"error":"too_many_requests"}"#),
            (403, r#"{"error":"temporarily_unavailable"}"#),
            (200, r#"{"error":"server_error"}"#),
        ] {
            let came = answer(status, &[], body);
            assert!(matches!(came, Err(ExchangeError::Busy { status: s, .. }) if s == status), "{came:?}");
        }
    }

    #[test]
    fn a_usable_token_is_granted_by_any_success_status_and_content_type() {
        for status in [200, 201, 203] {
            assert!(answer(status, &[("content-type", "text/html")], r#"{"access_token":"a"}"#).is_ok(), "{status}");
        }
    }

    #[test]
    fn what_is_neither_token_nor_error_is_named() {
        for (status, body, expected) in [
            (200, " <!doctype html>", Nonsense::Html),
            (200, "", Nonsense::NotJson),
            (200, "[]", Nonsense::NotJson),
            (200, r#"{"access_token":""}"#, Nonsense::NoToken),
            (200, r#"{"access_token":"a","token_type":"mac"}"#, Nonsense::NotBearer),
            (400, r#"{"access_token":"a"}"#, Nonsense::NoToken),
            (302, "", Nonsense::Redirect),
        ] {
            let came = answer(status, &[], body);
            assert!(matches!(came, Err(ExchangeError::Nonsense { what, .. }) if what == expected), "{body}: {came:?}");
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

    proptest! {
        #[test]
        fn no_body_panics_or_comes_back_in_an_error(status in 100u16..600, body in any::<Vec<u8>>()) {
            let status = StatusCode::from_u16(status).expect("in range");
            let answer = Answer { status, headers: HeaderMap::new(), body: Ok(body.into()) };
            prop_assert!(answer.into_wanted(Wanted::Tokens, &[], NOW).is_err(), "random bytes hold no token set");
        }

        #[test]
        fn no_error_repeats_what_was_sent(status in 100u16..600, code in ".{0,40}", description in ".{0,300}", at in 0usize..300) {
            let at = description.char_indices().map(|(index, _)| index).nth(at).unwrap_or(0);
            let echo = format!("{}canary{}", &description[..at], &description[at..]);
            let body = serde_json::json!({ "error": format!("{code}#canary"), "error_description": echo, "access_token": 7 }).to_string();
            let error = answer(status, &[], &body).expect_err("there is no token");
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains("canary"), "{}", shown);
        }

        #[test]
        fn any_object_with_a_usable_token_is_granted(token in "[!-~]{1,60}", other in "\\PC{0,20}", value in any::<f64>()) {
            let mut json = serde_json::json!({ "expires_in": value, "refresh_token": value, "error": null });
            json[other] = value.into();
            json["access_token"] = token.into();
            prop_assert!(answer(200, &[], &json.to_string()).is_ok());
        }
    }
}
