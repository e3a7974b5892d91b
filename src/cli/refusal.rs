//! Why the vault has nothing for a command: what is wrong, why, and the one thing to do next.

use std::fmt;

use url::Url;

use crate::{
    cli::failure::{Exit, Failure},
    vault::{NextStep, Obstacle, Reconnect, RefreshFailure, Retry, Rotation, Undecryptable, VaultError},
};

/// What the vault said.
#[derive(Debug)]
pub(super) enum Refusal {
    Vault(VaultError),
    /// The connection changed while it was to be ended.
    Moved,
}

/// The same, with what its words need.
#[derive(Debug)]
pub(super) struct Refused {
    user: String,
    is_listed: bool,
    login: Url,
    refusal: Refusal,
}

impl Refusal {
    pub(super) fn about(self, user: &str, is_listed: bool, login: &Url) -> Failure {
        let user = crate::telemetry::excerpt(user);
        Failure::Refused(Box::new(Refused { user, is_listed, login: login.clone(), refusal: self }))
    }
}

impl From<VaultError> for Refusal {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl Refused {
    pub(super) fn exit(&self) -> Exit {
        match &self.refusal {
            // As over HTTP, where such a user is `not-allowed`: a login would be turned away.
            Refusal::Vault(VaultError::NotConnected | VaultError::Undecryptable(_)) if !self.is_listed => Exit::Usage,
            Refusal::Vault(error) => exit_of(error),
            Refusal::Moved => Exit::TryLater,
        }
    }
}

fn exit_of(error: &VaultError) -> Exit {
    match error {
        VaultError::NotConnected | VaultError::ReconnectRequired(_) | VaultError::Expired => Exit::LogInAgain,
        VaultError::NotAllowed
        | VaultError::AmbiguousUser
        | VaultError::MinLifeTooLong { .. }
        | VaultError::Undecryptable(_) => Exit::Usage,
        VaultError::ProviderUnavailable { .. }
        | VaultError::StoreUnavailable
        | VaultError::RevokeUnconfirmed
        | VaultError::Busy
        | VaultError::Stopping => Exit::TryLater,
        VaultError::ProviderRefused { .. } | VaultError::OtherClient | VaultError::Internal => Exit::Failed,
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, login, .. } = self;
        match &self.refusal {
            Refusal::Vault(error) => self.vault_error(error, f),
            Refusal::Moved => write!(f, "{user} logged in at {login} at this moment; nothing was removed, try again"),
        }
    }
}

impl Refused {
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
                write!(f, "VideoAsk refuses to refresh the token of {user}.{}", Said { failure, login })
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
            Reconnect::Dead(failure) => write!(f, "the refresh token no longer works{}", Said { failure, login }),
            Reconnect::NoRefreshToken => write!(
                f,
                "the access token has expired, and there is no refresh token; add offline_access to SCOPES\n  Log in: \
                 {login}"
            ),
            Reconnect::Ended => write!(f, "the connection has ended\n  Log in: {login}"),
        }
    }
}

/// What VideoAsk said, what it is likely to mean, and what to do next.
pub(super) struct Said<'a> {
    pub(super) failure: &'a RefreshFailure,
    pub(super) login: &'a Url,
}

impl fmt::Display for Said<'_> {
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
