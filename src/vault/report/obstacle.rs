//! Why a connection is not used or not refreshed, although its state allows it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::telemetry::label;

label! {
    /// Why a connection is not used or not refreshed, although its state allows it. The words are stored too, so they
    /// never change.
    Obstacle = "obstacle" {
        /// The user is not in `ALLOWED_USERS`.
        NotAllowed = "not-allowed",
        /// It belongs to another client id or token endpoint.
        OtherClient = "other-client",
        /// The login returned no refresh token. Its access token is handed out until it expires.
        NoRefreshToken = "no-refresh-token",
    }
}

impl Serialize for Obstacle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What prevents its use, and what to do.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "The user is not in ALLOWED_USERS: add the user, or forget the connection.",
            Self::OtherClient => {
                "It belongs to another CLIENT_ID or VIDEOASK_AUTH_URL, and is not used: set the old values again, or log in again."
            }
            Self::NoRefreshToken => {
                "The login returned no refresh token: see that the developer app may have offline_access, and log in again."
            }
        })
    }
}
