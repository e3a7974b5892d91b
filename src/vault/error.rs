//! Why the vault did not do what it was asked for.

use std::{fmt, time::Duration};

use crate::vault::{RecordError, RefreshFailure};

/// Why there is no token, or why a connection was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no connection, or one that is being revoked.
    #[error("not connected")]
    NotConnected,
    /// The user is not in `ALLOWED_USERS`.
    #[error("this user is not in ALLOWED_USERS")]
    NotAllowed,
    /// The name matches more than one connection.
    #[error("this name matches more than one connection; use the user_id")]
    AmbiguousUser,
    /// An explicit minimum life is over half the token's life.
    #[error("the minimum life can be {} s at most", longest.as_secs())]
    MinLifeTooLong {
        /// The longest minimum life of this token.
        longest: Duration,
    },
    /// Only a new login helps.
    #[error("log in again: {0}")]
    ReconnectRequired(Reconnect),
    /// The last refresh failed, and it is retried.
    #[error("VideoAsk returned no tokens; the refresh is retried")]
    ProviderUnavailable {
        /// How long until the next try.
        retry_after: Duration,
    },
    /// The provider refuses to refresh with an error code other than `invalid_grant`.
    #[error("VideoAsk refused the refresh: {}", failure.message)]
    ProviderRefused {
        /// What it said, and when it is retried.
        failure: Box<RefreshFailure>,
    },
    /// The provider did not confirm a revoke. The connection stays `revoking`: nothing is handed out, and the revoke
    /// can be retried.
    #[error("VideoAsk did not confirm the revocation; nothing is handed out, and it can be retried")]
    RevokeUnconfirmed,
    /// The store did not respond, and the cache has nothing that helps.
    #[error("the store does not respond")]
    StoreUnavailable,
    /// The record belongs to another client id or token endpoint (docs/vault.md, rule 9).
    #[error("these tokens belong to another CLIENT_ID or VIDEOASK_AUTH_URL")]
    OtherClient,
    /// The record was encrypted with another `EXPRESS_SESSION`, or was changed.
    #[error("{0}")]
    Undecryptable(Undecryptable),
    /// The access token has expired, and in mint mode only the person refreshes.
    #[error("the access token has expired; press \"Refresh now\"")]
    Expired,
    /// Another process works on the record for longer than the caller waits.
    #[error("another process is working on this connection")]
    Busy,
    /// This process is shutting down and starts no exchange.
    #[error("this process is stopping")]
    Stopping,
    /// A bug of this app. The log has its cause.
    #[error("internal error; the log has its cause")]
    Internal,
}

/// Why only a new login helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reconnect {
    /// The provider returned `invalid_grant`, or tokens of another user.
    #[error("VideoAsk no longer accepts the refresh token")]
    Dead(Box<RefreshFailure>),
    /// The login returned no refresh token, and the access token has expired.
    #[error("there is no refresh token; add offline_access to SCOPES")]
    NoRefreshToken,
    /// The connection is dead, and its record does not say why.
    #[error("the connection has ended")]
    Ended,
}

/// How many connections were encrypted with an `EXPRESS_SESSION` that this process does not have. They are left as
/// they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecryptable(pub usize);

impl Undecryptable {
    /// What the operator does about it, as a sentence.
    pub(crate) const FIX: &str =
        "Put the old value of EXPRESS_SESSION into EXPRESS_SESSION_PREVIOUS and restart, or log in again.";
}

impl fmt::Display for Undecryptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = if self.0 == 1 { "connection" } else { "connections" };
        write!(f, "{} {connections} cannot be decrypted with this EXPRESS_SESSION", self.0)
    }
}

impl From<RecordError> for VaultError {
    fn from(error: RecordError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a record cannot be decrypted and is left as it is");
        Self::Undecryptable(Undecryptable(1))
    }
}
