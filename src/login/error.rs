//! Every way in which what VideoAsk sent back does not become a login.

use crate::{
    provider::{ExchangeError, IdTokenError},
    telemetry::LoginResult,
    vault::{Identity, VaultError},
    videoask::ApiError,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    #[error("the login in progress has expired")]
    Expired,
    #[error("the state of the callback is not that of the login")]
    StateMismatch,
    #[error("the callback was replayed")]
    Replayed,
    /// The callback names another issuer (RFC 9207).
    #[error("the callback names the issuer {received}")]
    WrongIssuer {
        expected: String,
        /// The callback's `iss`.
        received: String,
    },
    #[error("the login was denied{}", after_colon(.description))]
    Denied { description: String },
    #[error("the login failed at VideoAsk: {code}{}", after_colon(.description))]
    Refused {
        /// An error code of RFC 6749, 4.1.2.1, or one of Auth0's.
        code: String,
        description: String,
    },
    #[error("the callback has neither a code nor an error")]
    NoCode,
    #[error("the code exchange failed")]
    Exchange(#[from] ExchangeError),
    #[error("the id_token was rejected")]
    IdToken(#[from] IdTokenError),
    #[error("VideoAsk did not say who logged in")]
    Unidentified(#[source] ApiError),
    #[error("the user is not in ALLOWED_USERS")]
    NotListed(Box<Identity>),
    /// Keep mode: the user is listed by an e-mail with which another `user_id` is connected.
    #[error("the e-mail belongs to another connected user_id")]
    EmailInUse(Box<Identity>),
    /// The connection was not saved.
    #[error("the connection was not saved")]
    Vault(#[from] VaultError),
}

impl LoginError {
    /// Whether a command that waits for its login goes on waiting: the callback was of another login, or of one that a new
    /// one can take the place of, and no code was used.
    pub(crate) fn leaves_login_open(&self) -> bool {
        match self {
            Self::Expired | Self::StateMismatch | Self::Replayed => true,
            Self::WrongIssuer { .. }
            | Self::Denied { .. }
            | Self::Refused { .. }
            | Self::NoCode
            | Self::Exchange(_)
            | Self::IdToken(_)
            | Self::Unidentified(_)
            | Self::NotListed(_)
            | Self::EmailInUse(_)
            | Self::Vault(_) => false,
        }
    }
}

impl From<&LoginError> for LoginResult {
    fn from(error: &LoginError) -> Self {
        match error {
            LoginError::Expired
            | LoginError::StateMismatch
            | LoginError::Replayed
            | LoginError::WrongIssuer { .. }
            | LoginError::NoCode => Self::InvalidCallback,
            LoginError::Denied { .. } => Self::Denied,
            LoginError::Refused { .. } => Self::ProviderError,
            LoginError::Exchange(_) => Self::ExchangeFailed,
            LoginError::IdToken(_) => Self::IdTokenRefused,
            LoginError::Unidentified(_) => Self::Unidentified,
            LoginError::NotListed(_) | LoginError::EmailInUse(_) => Self::NotListed,
            LoginError::Vault(_) => Self::StoreFailed,
        }
    }
}

fn after_colon(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(": {description}") }
}
