//! Why `import` did not make a connection.

use std::fmt;

use url::Url;

use super::connection::Advice;
use crate::{telemetry, vault::RefreshFailure, videoask::ApiError};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("{user} has a connection that works; --replace lets this refresh token take its place{progress}")]
    NeedsReplace { user: String, progress: Progress },
    #[error(
        "this refresh token was imported before, and the connection of {user} that came of it was revoked or \
         forgotten since. It was not sent again\n  Log in: {login}"
    )]
    Forgotten { user: String, login: Url },
    #[error("VideoAsk does not accept this refresh token.{}", Advice::of_failure(failure, login))]
    Refused { failure: Box<RefreshFailure>, login: Url },
    #[error("VideoAsk does not say whose token this is: {}{progress}", telemetry::chain(.0), progress = Progress::Exchanged)]
    OwnerUnknown(#[source] ApiError),
    #[error("this refresh token belongs to {owner}, and not to {user}{}", Progress::Exchanged)]
    AnotherUser { owner: String, user: String },
    #[error("{owner}, whose refresh token this is, is not in ALLOWED_USERS: add {entry}{}", Progress::Exchanged)]
    NotListed { owner: String, entry: String },
    #[error(
        "{owner} has the same e-mail address as another VideoAsk account that is connected. To let this one take its \
         place, run `videoask-auth forget --user {email}`; to have both, add {user_id} to ALLOWED_USERS{}",
        Progress::Exchanged
    )]
    EmailInUse { owner: String, email: String, user_id: String },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Progress {
    Unsent,
    /// It is exchanged, and the new tokens are saved.
    Exchanged,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsent => ". It was not sent to VideoAsk",
            Self::Exchanged => {
                "\n  It is exchanged, and what came waits in the store: run the same command again, with the same token, \
                 to go on from here"
            }
        })
    }
}
