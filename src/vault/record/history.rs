//! What happened to a connection, kept with it, so that its end has a reason.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::vault::record::cause::{Cause, FailureKind};

/// The past of one connection, and a word on the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How often a refresh gave tokens.
    pub exchanges: u64,
    /// The latest of them.
    pub last: Option<Exchanged>,
    /// How many of the latest in a row were forced by a token that the API refused.
    #[serde(default)]
    pub forced: u32,
    /// Whether the provider was seen to rotate.
    pub rotation: Rotation,
    /// What is wrong now.
    #[serde(rename = "trouble")]
    pub failure: Option<RefreshFailure>,
    /// When the response to the current refresh token was lost, if it was: VideoAsk may have spent the token.
    #[serde(default, with = "time::serde::timestamp::milliseconds::option")]
    pub response_lost_at: Option<OffsetDateTime>,
    /// The connection that this one replaced.
    pub previous: Option<Previous>,
    /// The id of the user's first connection since a revoke or `forget`. Browser sessions are bound to it, so both end
    /// them, and a later login does not.
    #[serde(default)]
    pub first_connection: Option<String>,
}

/// One successful exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// When.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub at: OffsetDateTime,
    /// By which process.
    pub by: String,
}

/// Whether a refresh gives a new refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// No refresh yet.
    #[default]
    Unknown,
    /// The latest one did.
    Seen,
    /// The latest one did not.
    NotSeen,
}

/// A connection that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// When it was made.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub minted_at: OffsetDateTime,
    /// When it was known to be of no more use.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub ended_at: OffsetDateTime,
    /// How it came to that.
    #[serde(default)]
    pub end: End,
}

/// How a connection came to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The provider no longer took its refresh token: so long, and no longer, such a connection may live.
    Died,
    /// Somebody logged in again, or removed it: that says nothing of how long it would have lived.
    #[default]
    Replaced,
}

/// Refreshes that fail, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFailure {
    /// Why.
    #[serde(default)]
    pub cause: Cause,
    /// When the first of them failed.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub since: OffsetDateTime,
    /// How many failed in a row with this meaning.
    pub failures: u32,
    /// Before this nothing is sent; `None` is never again by the vault itself.
    #[serde(with = "time::serde::timestamp::milliseconds::option")]
    pub retry_at: Option<OffsetDateTime>,
    /// What the provider said, of the latest.
    #[serde(rename = "words")]
    pub message: ProviderMessage,
    /// Which process heard it.
    pub by: String,
}

/// The provider's words, escaped and cut by whoever made them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderMessage {
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The OAuth error code, if there was one.
    pub code: Option<String>,
    /// Its description, or what was wrong with the answer.
    pub text: String,
}

impl RefreshFailure {
    /// What it means for the connection.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.cause.kind()
    }
}

impl std::fmt::Display for ProviderMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.code, self.status) {
            (Some(code), Some(status)) => write!(f, "{code} ({status}): {}", self.text),
            (Some(code), None) => write!(f, "{code}: {}", self.text),
            (None, Some(status)) => write!(f, "status {status}: {}", self.text),
            (None, None) => f.write_str(&self.text),
        }
    }
}
