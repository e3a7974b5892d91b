//! What happened to a connection, stored with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::vault::{
    backoff,
    record::{
        cause::{Cause, FailureKind},
        observed_life::ObservedLife,
        rotation::Rotation,
    },
};

/// The history of one connection, with a summary of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub(crate) exchanges: u64,
    pub(crate) last: Option<Exchanged>,
    /// How many of the latest refreshes, in a row, were forced because the API rejected a token.
    #[serde(default)]
    pub(crate) forced: u32,
    pub(crate) rotation: Rotation,
    /// The current failure, if the last refresh failed.
    #[serde(rename = "trouble")]
    pub failure: Option<RefreshFailure>,
    /// When the response to the current refresh token was lost, if it was: VideoAsk may have spent the token.
    #[serde(default, with = "time::serde::timestamp::milliseconds::option")]
    pub(crate) response_lost_at: Option<OffsetDateTime>,
    pub(crate) previous: Option<Previous>,
    /// The id of the user's first connection since a revoke or `forget`. Browser sessions are bound to it, so both end
    /// them, and a later login does not.
    #[serde(default)]
    pub(crate) first_connection: Option<String>,
    /// How long logins of this user last, if an earlier one has shown it.
    #[serde(default)]
    pub(crate) observed_life: Option<ObservedLife>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exchanged {
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) at: OffsetDateTime,
    pub(crate) by: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Previous {
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) minted_at: OffsetDateTime,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) ended_at: OffsetDateTime,
    #[serde(default)]
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// The provider refused its refresh token, so its age shows how long such a connection lasts.
    Died,
    /// A login replaced it, or someone removed it. Its possible age is unknown.
    #[default]
    Replaced,
}

/// Refreshes that fail, since when, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshFailure {
    #[serde(default)]
    pub(crate) cause: Cause,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) since: OffsetDateTime,
    /// How many refreshes in a row failed with this [`FailureKind`].
    pub(crate) failures: u32,
    /// The vault does not retry before this time; with `None`, it never retries by itself.
    #[serde(with = "time::serde::timestamp::milliseconds::option")]
    pub retry_at: Option<OffsetDateTime>,
    #[serde(rename = "words")]
    pub(crate) message: ProviderMessage,
    pub(crate) by: String,
}

/// The provider's message, escaped and cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProviderMessage {
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    /// Its description, or what was wrong with the response.
    pub(crate) text: String,
}

impl Previous {
    pub(crate) fn lasted(&self) -> time::Duration {
        (self.ended_at - self.minted_at).max(time::Duration::ZERO)
    }
}

impl RefreshFailure {
    pub(crate) fn kind(&self) -> FailureKind {
        self.cause.kind()
    }

    /// How long until the next try; zero if the stored time cannot be right.
    pub(crate) fn wait(&self, now: OffsetDateTime) -> Duration {
        self.wait_within(backoff::longest(self.kind()), now)
    }

    /// Whether the vault still waits before it tries again by itself. A person may try at any time.
    pub(crate) fn backs_off(&self, clock_tolerance: Duration, now: OffsetDateTime) -> bool {
        !self.wait_within(backoff::longest(self.kind()).saturating_add(clock_tolerance), now).is_zero()
    }

    fn wait_within(&self, longest: Duration, now: OffsetDateTime) -> Duration {
        self.retry_at.map_or(Duration::ZERO, |retry| backoff::left(retry, longest, now))
    }
}

impl ProviderMessage {
    /// A message of this app, for a response that contains none.
    pub(crate) fn of_text(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

impl std::fmt::Display for ProviderMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = if self.text.is_empty() { "" } else { ": " };
        match (&self.code, self.status) {
            (Some(code), Some(status)) => write!(f, "{code} ({status}){separator}{}", self.text),
            (Some(code), None) => write!(f, "{code}{separator}{}", self.text),
            (None, Some(status)) => write!(f, "status {status}{separator}{}", self.text),
            (None, None) => f.write_str(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_without_text_ends_with_its_code() {
        let message = |code: Option<&str>, text: &str| ProviderMessage {
            code: code.map(str::to_owned),
            status: Some(403),
            text: text.to_owned(),
        };
        assert_eq!(message(Some("invalid_grant"), "").to_string(), "invalid_grant (403)");
        assert_eq!(message(Some("invalid_grant"), "Unknown.").to_string(), "invalid_grant (403): Unknown.");
        assert_eq!(message(None, "").to_string(), "status 403");
    }
}
