//! Why a call of the API has no answer.

use oauth2::AccessToken;
use serde_json::Value;

use crate::telemetry::excerpt_without;

/// What went wrong with a call. What it quotes is escaped, cut, and free of the token.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The token is not accepted, or no longer.
    #[error("VideoAsk's API does not accept the token{}", after_colon(.detail))]
    Unauthorized {
        /// The API's words, or empty.
        detail: String,
    },
    /// Any other status that is no success.
    #[error("VideoAsk's API answers with status {status}{}", after_colon(.detail))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The API's words, or empty.
        detail: String,
    },
    /// No connection.
    #[error("VideoAsk's API could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// Connected, but the answer took too long.
    #[error("VideoAsk's API did not answer in time")]
    TimedOut(#[source] reqwest::Error),
    /// The connection broke off.
    #[error("the answer of VideoAsk's API was cut off")]
    Cut(#[source] reqwest::Error),
    /// A success that is not what was asked for.
    #[error("the answer of VideoAsk's API could not be read")]
    MalformedResponse,
}

impl ApiError {
    pub(super) fn sending(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_connect() || error.is_builder() { Self::Unreachable(error) } else { Self::cut(error) }
    }

    pub(super) fn cut(error: reqwest::Error) -> Self {
        if error.is_timeout() { Self::TimedOut(error) } else { Self::Cut(error) }
    }

    pub(super) fn answered(status: u16, body: &[u8], token: &AccessToken) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let detail = json.get("detail").and_then(Value::as_str).unwrap_or_default();
        let detail = excerpt_without(detail, [token.secret().as_str()]);
        if status == 401 { Self::Unauthorized { detail } } else { Self::Status { status, detail } }
    }
}

fn after_colon(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(": {detail}") }
}
