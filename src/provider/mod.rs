//! The OAuth client's answers, as the vault reads them.

use std::time::Duration;

use oauth2::{AccessToken, RefreshToken};
use secrecy::SecretString;

/// What the token endpoint gave.
#[derive(Debug)]
pub struct TokenReply {
    /// Opens the API.
    pub access_token: AccessToken,
    /// Missing where the provider does not rotate.
    pub refresh_token: Option<RefreshToken>,
    /// Who the user is; not used after a refresh.
    pub id_token: Option<IdToken>,
    /// What was granted, where the provider says it.
    pub scope: Option<String>,
    /// How long the access token lives.
    pub expires_in: Option<Duration>,
}

/// An id_token as it came, redacted in `Debug`.
#[derive(Clone, Debug)]
pub struct IdToken(pub SecretString);

/// Why an exchange gave no tokens.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// There was no connection: the provider never saw the request.
    #[error("the provider could not be reached")]
    NotSent {
        /// What the HTTP client says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was sent, and no whole answer came: the provider may have acted on it.
    #[error("the provider did not answer")]
    NoAnswer {
        /// What the HTTP client says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It asks to be left alone for a while, or is broken.
    #[error("the provider is busy ({status})")]
    Busy {
        /// The HTTP status.
        status: u16,
        /// The OAuth error code, if there was one.
        code: Option<String>,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// An OAuth error (RFC 6749, 5.2).
    #[error("the provider refused ({status} {code})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The OAuth error code.
        code: String,
        /// What it says about it.
        description: String,
    },
    /// An answer that is no answer to this question.
    #[error("the provider answered nonsense ({status})")]
    Nonsense {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        what: String,
    },
}
