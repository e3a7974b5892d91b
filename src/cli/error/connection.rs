//! Why the vault cannot do what a command asks of a connection, the cause, and the next step.

use std::fmt;

use url::Url;

use crate::vault::{NextStep, Obstacle, Reconnect, RefreshFailure, Retry, Rotation, Undecryptable, VaultError};

/// What is wrong with the connection.
#[derive(Debug)]
pub(crate) enum ConnectionProblem {
    Vault(VaultError),
    /// The connection changed while the command was ending it.
    Changed,
}

/// The problem, with the user and the login URL for its message.
#[derive(Debug)]
pub(crate) struct ConnectionError {
    user: String,
    is_listed: bool,
    login: Url,
    problem: ConnectionProblem,
}

impl ConnectionError {
    pub(crate) fn new(problem: ConnectionProblem, user: &str, is_listed: bool, login: &Url) -> Self {
        Self { user: crate::telemetry::excerpt(user), is_listed, login: login.clone(), problem }
    }

    pub(super) fn problem(&self) -> &ConnectionProblem {
        &self.problem
    }

    /// Whether the user is in ALLOWED_USERS.
    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }
}

impl From<VaultError> for ConnectionProblem {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl std::error::Error for ConnectionError {}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, login, .. } = self;
        match &self.problem {
            ConnectionProblem::Vault(error) => self.vault_error(error, f),
            ConnectionProblem::Changed => {
                write!(f, "{user} logged in at {login} at this moment; nothing was removed, try again")
            }
        }
    }
}

impl ConnectionError {
    fn vault_error(&self, error: &VaultError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, login, .. } = self;
        match error {
            VaultError::NotConnected => self.not_connected(f),
            VaultError::NotAllowed => write!(
                f,
                "{user} is connected and is not in ALLOWED_USERS, so nothing is handed out: add the user there, or run \
                 `videoask-auth forget --user {user}`"
            ),
            VaultError::MinLifeTooLong { longest } => write!(
                f,
                "--min-ttl is too long for {user}: at most {} s, half of a token's life, or each call would refresh",
                longest.as_secs()
            ),
            VaultError::ReconnectRequired(why) => {
                write!(f, "{user} must log in again: {}", Reason { why, login })
            }
            VaultError::ProviderUnavailable { retry_after } => write!(
                f,
                "VideoAsk gives no token for {user} at the moment; the next try is in {} s, and `videoask-auth \
                 status` tells what it said",
                retry_after.as_secs()
            ),
            VaultError::ProviderRefused { failure } => {
                write!(f, "VideoAsk refuses to refresh the token of {user}.{}", RefreshAdvice { failure, login })
            }
            VaultError::AmbiguousUser => {
                write!(f, "{user} fits more than one connection; give the user_id, which `videoask-auth status` shows")
            }
            VaultError::RevokeUnconfirmed => write!(
                f,
                "VideoAsk did not confirm that {user} is revoked. Nothing is handed out from now on; run the same \
                 command again, or leave out --revoke to forget it here only"
            ),
            VaultError::StoreUnavailable => {
                write!(f, "the store does not answer; see that what STORE_URL names is well, and try again")
            }
            VaultError::OtherClient => {
                write!(f, "no token for {user} from this connection. {}\n  Log in: {login}", Obstacle::OtherClient)
            }
            VaultError::Undecryptable(_) if !self.is_listed => self.not_connected(f),
            VaultError::Undecryptable(count) => {
                write!(f, "no token for {user}: {count}. {}\n  Log in: {login}", Undecryptable::FIX)
            }
            VaultError::Busy => {
                write!(f, "another process works on the connection of {user} and did not finish in time; try again")
            }
            VaultError::Stopping => f.write_str("the command is stopping; run it again"),
            VaultError::Internal => {
                f.write_str("an internal error, which is a bug of this program; the line above has its cause")
            }
            VaultError::Expired => write!(f, "the access token of {user} has expired; log in at {login}"),
        }
    }

    fn not_connected(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, login, .. } = self;
        if !self.is_listed {
            return write!(
                f,
                "{user} is neither connected nor in ALLOWED_USERS; is the name right?\n  If it is, add it to \
                 ALLOWED_USERS, and log in: {login}"
            );
        }
        write!(
            f,
            "{user} is not connected: there is no login or import of that user in this store\n  Log in: {login}\n  \
             Or bring a refresh token: videoask-auth import"
        )
    }
}

/// Why only a login helps.
struct Reason<'a> {
    why: &'a Reconnect,
    login: &'a Url,
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, login } = self;
        match why {
            Reconnect::Dead(failure) => {
                write!(f, "the refresh token no longer works{}", RefreshAdvice { failure, login })
            }
            Reconnect::NoRefreshToken => write!(
                f,
                "the access token has expired, and there is no refresh token; add offline_access to SCOPES\n  Log in: \
                 {login}"
            ),
            Reconnect::Ended => write!(f, "the connection has ended\n  Log in: {login}"),
        }
    }
}

/// What VideoAsk said, the likely cause, and the next step.
pub(super) struct RefreshAdvice<'a> {
    pub(super) failure: &'a RefreshFailure,
    pub(super) login: &'a Url,
}

impl fmt::Display for RefreshAdvice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RefreshFailure { message, cause, .. } = self.failure;
        let likely = cause.explanation(Rotation::Unknown);
        // Every command is of keep mode.
        let next_step = cause.next_step(Retry::Automatic);
        write!(f, "\n  VideoAsk said: {message}\n  Likely cause: {likely}\n  Next step: {next_step}")?;
        match next_step {
            NextStep::LogInAgain => write!(f, "\n  Log in: {}", self.login),
            NextStep::Wait | NextStep::RefreshAgain | NextStep::Check | NextStep::AskAdministrator => Ok(()),
        }
    }
}
