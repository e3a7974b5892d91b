//! Why a call of the API failed.

use oauth2::AccessToken;
use serde_json::Value;

use crate::telemetry::excerpt_without;

/// Why a call of the API failed. Its quotes are escaped and cut, and do not contain the token.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The API does not accept the token.
    #[error("VideoAsk's API does not accept the token{}", after_colon(.detail))]
    Unauthorized {
        /// The API's words, or empty.
        detail: String,
    },
    /// Any other status that is no success.
    #[error("VideoAsk's API returned status {status}{}", after_colon(.detail))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The API's words, or empty.
        detail: String,
    },
    /// No connection.
    #[error("VideoAsk's API could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The response took too long.
    #[error("VideoAsk's API did not respond in time")]
    TimedOut(#[source] reqwest::Error),
    /// The connection broke off.
    #[error("the response of VideoAsk's API was cut off")]
    Cut(#[source] reqwest::Error),
    /// A success with an unexpected body.
    #[error("the response of VideoAsk's API could not be read")]
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
