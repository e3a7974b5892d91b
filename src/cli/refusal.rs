//! Why the vault has nothing for a command: what is wrong, why, and the one thing to do next.

use std::fmt;

use url::Url;

use crate::{
    cli::failure::{Exit, Failure},
    vault::{
        HandOutError, NextStep, NotEnded, NotFound, Obstacle, Reconnect, RefreshFailure, Retry, Rotation, Undecryptable,
    },
};

/// What the vault said.
#[derive(Debug)]
pub(super) enum Refusal {
    NoToken(HandOutError),
    /// The name fits more than one connection.
    Ambiguous,
    /// VideoAsk did not confirm a revoke.
    Unconfirmed,
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

impl From<HandOutError> for Refusal {
    fn from(error: HandOutError) -> Self {
        Self::NoToken(error)
    }
}

impl From<NotFound> for Refusal {
    fn from(error: NotFound) -> Self {
        match error {
            NotFound::NotConnected => Self::NoToken(HandOutError::NotConnected),
            NotFound::Undecryptable(count) => Self::NoToken(HandOutError::Undecryptable(count)),
            NotFound::StoreUnavailable => Self::NoToken(HandOutError::StoreUnavailable),
            NotFound::Ambiguous => Self::Ambiguous,
        }
    }
}

impl From<NotEnded> for Refusal {
    fn from(error: NotEnded) -> Self {
        match error {
            NotEnded::Revoking => Self::Unconfirmed,
            NotEnded::OtherClient => Self::NoToken(HandOutError::OtherClient),
            NotEnded::StoreUnavailable => Self::NoToken(HandOutError::StoreUnavailable),
            NotEnded::Busy => Self::NoToken(HandOutError::Busy),
            NotEnded::Undecryptable(count) => Self::NoToken(HandOutError::Undecryptable(count)),
            NotEnded::Stopping => Self::NoToken(HandOutError::Stopping),
            NotEnded::Internal => Self::NoToken(HandOutError::Internal),
        }
    }
}

impl Refused {
    pub(super) fn exit(&self) -> Exit {
        match &self.refusal {
            // As over HTTP, where such a user is `not-allowed`: a login would be turned away.
            Refusal::NoToken(HandOutError::NotConnected | HandOutError::Undecryptable(_)) if !self.is_listed => {
                Exit::Usage
            }
            Refusal::NoToken(error) => exit_of(error),
            Refusal::Ambiguous => Exit::Usage,
            Refusal::Unconfirmed | Refusal::Moved => Exit::TryLater,
        }
    }
}

fn exit_of(error: &HandOutError) -> Exit {
    match error {
        HandOutError::NotConnected | HandOutError::ReconnectRequired(_) | HandOutError::Expired => Exit::LogInAgain,
        HandOutError::NotAllowed | HandOutError::TooLong { .. } | HandOutError::Undecryptable(_) => Exit::Usage,
        HandOutError::ProviderUnavailable { .. }
        | HandOutError::StoreUnavailable
        | HandOutError::Busy
        | HandOutError::Stopping => Exit::TryLater,
        HandOutError::ProviderRefused { .. } | HandOutError::OtherClient | HandOutError::Internal => Exit::Failed,
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, login, .. } = self;
        match &self.refusal {
            Refusal::NoToken(error) => self.no_token(error, f),
            Refusal::Ambiguous => {
                write!(f, "{user} fits more than one connection; give the user_id, which `videoask-auth status` shows")
            }
            Refusal::Unconfirmed => write!(
                f,
                "VideoAsk did not confirm that {user} is revoked. Nothing is handed out any more; run the same \
                 command again, or leave out --revoke to forget it here only"
            ),
            Refusal::Moved => write!(f, "{user} logged in at {login} at this moment; nothing was removed, try again"),
        }
    }
}

impl Refused {
    fn no_token(&self, error: &HandOutError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, login, .. } = self;
        match error {
            HandOutError::NotConnected => self.not_connected(f),
            HandOutError::NotAllowed => write!(
                f,
                "{user} is connected and is not in ALLOWED_USERS, so nothing is handed out: add the user there, or run \
                 `videoask-auth forget --user {user}`"
            ),
            HandOutError::TooLong { most } => write!(
                f,
                "--min-ttl is too long for {user}: at most {} s, half of a token's life, or each call would refresh",
                most.as_secs()
            ),
            HandOutError::ReconnectRequired(why) => {
                write!(f, "{user} must log in again: {}", Reason { why, login })
            }
            HandOutError::ProviderUnavailable { retry_after } => write!(
                f,
                "VideoAsk gives no token for {user} at the moment; the next try is in {} s, and `videoask-auth \
                 status` tells what it said",
                retry_after.as_secs()
            ),
            HandOutError::ProviderRefused { failure } => {
                write!(f, "VideoAsk refuses to refresh the token of {user}.{}", Said { failure, login })
            }
            HandOutError::StoreUnavailable => {
                write!(f, "the store does not answer; see that what STORE_URL names is well, and try again")
            }
            HandOutError::OtherClient => {
                write!(f, "no token for {user} from this connection. {}\n  Log in: {login}", Obstacle::OtherClient)
            }
            HandOutError::Undecryptable(_) if !self.is_listed => self.not_connected(f),
            HandOutError::Undecryptable(count) => {
                write!(f, "no token for {user}: {count}. {}\n  Log in: {login}", Undecryptable::FIX)
            }
            HandOutError::Busy => {
                write!(f, "another process works on the connection of {user} and did not finish in time; try again")
            }
            HandOutError::Stopping => f.write_str("the command is stopping; run it again"),
            HandOutError::Internal => {
                f.write_str("an internal error, which is a bug of this program; the line above has its cause")
            }
            HandOutError::Expired => write!(f, "the access token of {user} has expired; log in at {login}"),
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
