//! Why the vault did not do what it was asked for.

pub(crate) mod explanation;

use std::{fmt, time::Duration};

use crate::{
    telemetry::ProblemType,
    vault::{RecordError, RefreshFailure},
};

/// When to try again, where nothing tells.
const SOON: Duration = Duration::from_secs(5);

/// Why there is no token, or why a connection was not changed. `explanation` has the words of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// There is no connection, or one that is being revoked.
    NotConnected,
    /// The user is not in `ALLOWED_USERS`.
    NotAllowed,
    /// The name matches more than one connection.
    AmbiguousUser,
    /// An explicit minimum life is over half the token's life.
    MinLifeTooLong {
        /// The longest minimum life of this token.
        longest: Duration,
    },
    /// Only a new login helps.
    ReconnectRequired(Reconnect),
    /// The last refresh failed, and it is retried.
    ProviderUnavailable {
        /// How long until the next try.
        retry_after: Duration,
    },
    /// The provider refuses to refresh with an error code other than `invalid_grant`.
    ProviderRefused {
        /// What it said, and when it is retried.
        failure: Box<RefreshFailure>,
    },
    /// The provider did not confirm a revoke. The connection stays `revoking`: nothing is handed out, and the revoke
    /// can be retried.
    RevokeUnconfirmed,
    /// The store did not respond, and the cache has nothing that helps.
    StoreUnavailable,
    /// The record belongs to another client id or token endpoint (docs/vault.md, rule 9).
    OtherClient,
    /// The record was encrypted with another `EXPRESS_SESSION`, or was changed.
    Undecryptable(Undecryptable),
    /// The access token has expired, and in mint mode only the person refreshes.
    Expired,
    /// Another process works on the record for longer than the caller waits.
    Busy,
    /// This process is shutting down and starts no exchange.
    Stopping,
    /// A bug of this app. The log has its cause.
    Internal,
}

/// Why only a new login helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// The provider returned `invalid_grant`, or tokens of another user.
    Dead(Box<RefreshFailure>),
    /// The login returned no refresh token, and the access token has expired.
    NoRefreshToken,
    /// The connection is dead, and its record does not say why.
    Ended,
}

/// How many connections were encrypted with an `EXPRESS_SESSION` that this process does not have. They are left as
/// they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecryptable(pub usize);

impl fmt::Display for Undecryptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = if self.0 == 1 { "connection" } else { "connections" };
        write!(f, "{} {connections} cannot be decrypted with this EXPRESS_SESSION", self.0)
    }
}

impl VaultError {
    /// The kind of problem that programs tell apart: the `type` over HTTP, the exit code of a command.
    pub(crate) fn r#type(&self) -> ProblemType {
        match self {
            Self::NotConnected => ProblemType::NotConnected,
            Self::NotAllowed => ProblemType::NotAllowed,
            Self::AmbiguousUser => ProblemType::AmbiguousUser,
            Self::MinLifeTooLong { .. } => ProblemType::InvalidRequest,
            Self::ReconnectRequired(_) | Self::Expired => ProblemType::ReconnectRequired,
            Self::ProviderUnavailable { .. } | Self::RevokeUnconfirmed | Self::Busy | Self::Stopping => {
                ProblemType::ProviderUnavailable
            }
            Self::ProviderRefused { .. } => ProblemType::ProviderRefused,
            Self::StoreUnavailable => ProblemType::StoreUnavailable,
            Self::OtherClient => ProblemType::OtherClient,
            Self::Undecryptable(_) => ProblemType::Undecryptable,
            Self::Internal => ProblemType::Internal,
        }
    }

    /// When trying again makes sense, if it passes by itself.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ProviderUnavailable { retry_after } => Some(*retry_after),
            Self::StoreUnavailable | Self::Busy | Self::Stopping => Some(SOON),
            _ => None,
        }
    }

    /// What the provider said, if it said something.
    pub(crate) fn failure(&self) -> Option<&RefreshFailure> {
        match self {
            Self::ReconnectRequired(Reconnect::Dead(failure)) | Self::ProviderRefused { failure } => Some(failure),
            _ => None,
        }
    }
}

impl std::error::Error for VaultError {}

/// For the log: what happened, and what the provider said.
impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())?;
        self.failure().map_or(Ok(()), |failure| write!(f, ": {}", failure.message))
    }
}

impl From<RecordError> for VaultError {
    fn from(error: RecordError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a record cannot be decrypted and is left as it is");
        Self::Undecryptable(Undecryptable(1))
    }
}
