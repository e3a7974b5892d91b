use std::{fmt, time::Duration};

use crate::{
    provider::{refusal_reason::RefusalReason, token::PartialTokens},
    telemetry::ExchangeResult,
};

/// Why an exchange returned no token set. Texts from outside are escaped, truncated, and free of the request's secrets.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// There was no connection, so nothing was sent.
    #[error("VideoAsk could not be reached; nothing was sent")]
    NotSent {
        /// The transport's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The request was sent, and no complete response was received in time: the outcome is unknown.
    #[error("the request was sent, but no response was received in time")]
    NoResponse {
        /// The transport's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// VideoAsk is overloaded or down: status 429 or 5xx, or an `error` code that says so. The same request may succeed
    /// later.
    #[error("VideoAsk is busy or out of order (status {status})")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// The `error` code, if there was one.
        code: Option<String>,
        /// From `Retry-After` or `X-RateLimit-Reset`, limited to between 1 s and 15 min.
        retry_after: Option<Duration>,
    },
    /// VideoAsk returned an OAuth error code. The status does not matter, unless it is 429 or 5xx.
    #[error("VideoAsk refused: {code}{}", in_brackets(.description))]
    Refused {
        /// What the code means.
        reason: RefusalReason,
        /// The HTTP status.
        status: u16,
        /// The `error` code.
        code: String,
        /// The `error_description`, or empty.
        description: String,
    },
    /// Neither a token set nor an OAuth error.
    #[error("VideoAsk's response could not be read: status {status}, {problem}")]
    MalformedResponse {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the response.
        problem: ResponseProblem,
        /// The refresh token of a success that has no usable access token.
        partial: Option<Box<PartialTokens>>,
    },
}

impl ExchangeError {
    /// The error for this `error` code.
    #[must_use]
    pub fn refused(status: u16, code: String, description: String) -> Self {
        Self::Refused { reason: RefusalReason::of(status, &code, &description), status, code, description }
    }

    /// The result under which the metrics count this error.
    pub(super) fn metric(&self) -> ExchangeResult {
        match self {
            Self::NoResponse { .. } => ExchangeResult::Unknown,
            Self::Refused { reason: RefusalReason::InvalidGrant, .. } => ExchangeResult::Dead,
            Self::Refused { .. } => ExchangeResult::Blocked,
            Self::NotSent { .. } | Self::Unavailable { .. } | Self::MalformedResponse { .. } => {
                ExchangeResult::Transient
            }
        }
    }
}

/// What is wrong with a response that has neither a usable token nor an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseProblem {
    /// A redirect. It is not followed, so that no secret is sent to another address.
    Redirect,
    /// A body of more than 1 MiB.
    TooLarge,
    /// An HTML page.
    Html,
    /// Not a JSON object.
    NotJson,
    /// JSON without a usable access token.
    NoToken,
    /// A token of another type than Bearer (RFC 6749, 7.1).
    NotBearer,
}

impl fmt::Display for ResponseProblem {
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

fn in_brackets(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(" ({description})") }
}
