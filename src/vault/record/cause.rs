//! Why a refresh failed, with its explanation and next step. The log, the pages, `status`, the CLI and the machine API
//! all use these.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::{provider::RefusalReason, vault::record::rotation::Rotation};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cause {
    Unreachable,
    NoResponse,
    /// VideoAsk was busy or had an internal error.
    Busy,
    /// The response had neither a usable token nor an error code.
    UnusableResponse,
    GrantEnded,
    /// VideoAsk never accepted this imported refresh token.
    ImportRefused,
    /// A response was lost, and VideoAsk took the retry for reuse.
    ResponseLost,
    /// The response's id_token names another user or issuer than the record.
    IdentityChanged,
    InteractionRequired,
    UserBlocked,
    ClientRejected,
    /// A rule or an administrator at VideoAsk denied access.
    Denied,
    #[default]
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    Transient,
    /// Someone must change something, here or at VideoAsk. The vault retries, but rarely.
    Blocked,
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Keep mode: the vault.
    Automatic,
    /// Mint mode: the person, with the button.
    Manual,
    /// A pending import: the operator, with the command `import`.
    Import,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    Wait,
    TryAgain,
    RefreshAgain,
    ImportAgain,
    Check,
    LogInAgain,
    /// Someone must allow it at VideoAsk.
    AskAdministrator,
}

impl Cause {
    pub(crate) fn kind(self) -> FailureKind {
        match self {
            Self::Unreachable | Self::NoResponse | Self::Busy | Self::UnusableResponse => FailureKind::Transient,
            Self::GrantEnded | Self::ImportRefused | Self::ResponseLost | Self::IdentityChanged => FailureKind::Dead,
            Self::InteractionRequired | Self::UserBlocked | Self::ClientRejected | Self::Denied | Self::Other => {
                FailureKind::Blocked
            }
        }
    }

    pub(crate) fn explanation(self, rotation: Rotation) -> &'static str {
        match self {
            Self::Unreachable => "VideoAsk could not be reached.",
            Self::NoResponse => "VideoAsk did not respond in time.",
            Self::Busy => "VideoAsk is busy, or has a problem of its own.",
            Self::UnusableResponse => {
                "VideoAsk's response had no usable token. VIDEOASK_AUTH_URL may lead to something else."
            }
            Self::GrantEnded => match rotation {
                Rotation::Seen => {
                    "The refresh token was used by another program too, was revoked, or is past its lifetime."
                }
                Rotation::NotSeen | Rotation::Unknown => {
                    "The refresh token was revoked at VideoAsk, or is past its lifetime."
                }
            },
            Self::ImportRefused => {
                "The refresh token was cut off when copied, was issued to another CLIENT_ID, was used or revoked \
                 already, or is past its lifetime."
            }
            Self::ResponseLost => {
                "A response was lost, and the retry counted as reuse: VideoAsk rotates refresh tokens, and took the \
                 second use of one for theft."
            }
            Self::IdentityChanged => {
                "VideoAsk returned tokens of another user or issuer (identity-changed). They were not kept."
            }
            Self::InteractionRequired => "VideoAsk wants the user to log in, to confirm who they are or to consent.",
            Self::UserBlocked => "VideoAsk has blocked this user.",
            Self::ClientRejected => "CLIENT_ID or CLIENT_SECRET is wrong, or the developer app was changed.",
            Self::Denied => "A rule or an administrator at VideoAsk denied access. CLIENT_SECRET is not the reason.",
            Self::Other => "VideoAsk refused the request for a reason that this app does not know.",
        }
    }

    /// The one thing to do next, which depends on who retries.
    pub(crate) fn next_step(self, retry: Retry) -> NextStep {
        match self {
            Self::Unreachable | Self::NoResponse | Self::Busy | Self::UnusableResponse => match retry {
                Retry::Automatic => NextStep::Wait,
                Retry::Manual => NextStep::RefreshAgain,
                Retry::Import => NextStep::ImportAgain,
            },
            Self::GrantEnded
            | Self::ImportRefused
            | Self::ResponseLost
            | Self::IdentityChanged
            | Self::InteractionRequired
            | Self::UserBlocked => NextStep::LogInAgain,
            Self::ClientRejected | Self::Other => NextStep::Check,
            Self::Denied => NextStep::AskAdministrator,
        }
    }
}

impl From<RefusalReason> for Cause {
    fn from(refusal: RefusalReason) -> Self {
        match refusal {
            RefusalReason::InvalidGrant => Self::GrantEnded,
            RefusalReason::InteractionRequired => Self::InteractionRequired,
            RefusalReason::UserBlocked => Self::UserBlocked,
            RefusalReason::ClientRejected => Self::ClientRejected,
            RefusalReason::AccessDenied => Self::Denied,
            RefusalReason::Other => Self::Other,
        }
    }
}

impl NextStep {
    pub(crate) const fn sentence(self) -> &'static str {
        match self {
            Self::Wait => "Nothing to do: this app tries again.",
            Self::TryAgain => "Try again in a moment.",
            Self::RefreshAgain => "Press \"Refresh now\" again in a minute.",
            Self::ImportAgain => "Run `videoask-auth import` again, with the same token.",
            Self::Check => "Run videoask-auth check on the server, and fix what it reports.",
            Self::LogInAgain => "Log in again.",
            Self::AskAdministrator => {
                "Ask an administrator of the VideoAsk organization to allow it, then log in again."
            }
        }
    }
}

impl fmt::Display for NextStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl Serialize for NextStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
