//! Every way in which a callback does not log its browser in.

use tower_sessions::session;

use crate::{login::LoginError, telemetry::LoginResult, vault::VaultError};

/// Why a callback did not log its browser in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallbackError {
    /// The callback has no `state`, or the browser has no login in progress for it.
    #[error("no login in progress for this callback")]
    NoPendingLogin,
    /// The browser has no login in progress for this callback, and is logged in: most likely the callback was used
    /// before.
    #[error("the callback was used before, and the browser is logged in")]
    AlreadyLoggedIn,
    /// Too many code exchanges are in flight, or too many have failed.
    #[error("too many logins at once")]
    TooBusy,
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error("the session was not saved")]
    Session(#[from] session::Error),
    #[error("the login panicked")]
    Panicked,
}

impl From<VaultError> for CallbackError {
    fn from(error: VaultError) -> Self {
        LoginError::from(error).into()
    }
}

impl From<&CallbackError> for LoginResult {
    fn from(error: &CallbackError) -> Self {
        match error {
            CallbackError::NoPendingLogin | CallbackError::AlreadyLoggedIn => Self::InvalidCallback,
            CallbackError::TooBusy => Self::TooBusy,
            CallbackError::Login(error) => error.into(),
            CallbackError::Session(_) => Self::StoreFailed,
            CallbackError::Panicked => Self::Failed,
        }
    }
}
