//! What the pages, `status` and the machine API say about a connection: times and words, no secret.

pub(crate) mod health;
pub(crate) mod inventory;
pub(crate) mod metrics;
pub(crate) mod status;
pub(crate) mod user_index;

use serde::{Serialize, Serializer};
use time::{Duration, OffsetDateTime};

use crate::{
    store::records::State,
    vault::{
        record::{cause::NextStep, history::Previous, rotation::Rotation},
        report::status::{Obstacle, Status},
    },
};

/// A connection as people and machines see it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// E-mail, name or id.
    pub user: Option<String>,
    /// VideoAsk's own id of the user.
    pub user_id: Option<String>,
    /// Which connection, as in the log.
    pub connection_id: String,
    /// Which of its token sets is current.
    pub generation: u64,
    /// What may be done with it.
    #[serde(serialize_with = "state_name")]
    pub state: State,
    /// Why it is not used although its state permits it.
    pub obstacle: Option<Obstacle>,
    /// When the access token expires.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// When the login or import was.
    #[serde(with = "time::serde::rfc3339")]
    pub minted_at: OffsetDateTime,
    /// How often it was refreshed.
    pub refreshes: u64,
    /// When it was last refreshed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub refreshed_at: Option<OffsetDateTime>,
    /// The process that refreshed it last.
    pub refreshed_by: Option<String>,
    /// Whether VideoAsk returns a new refresh token at each refresh.
    pub rotation: Rotation,
    /// When the vault refreshes it next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub next_refresh: Option<OffsetDateTime>,
    /// How long the previous connection lasted, in seconds.
    pub previous_lived: Option<i64>,
    /// When to log in again at the latest, if this connection nears the age at which the previous one died.
    #[serde(with = "time::serde::rfc3339::option")]
    pub log_in_before: Option<OffsetDateTime>,
    /// Why refreshes fail, if they do.
    #[serde(rename = "trouble")]
    pub failure: Option<FailureReport>,
}

/// Why refreshes of a connection fail.
#[derive(Clone, Debug, Serialize)]
pub struct FailureReport {
    /// When the first of them failed.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// How many refreshes failed in a row.
    pub failures: u32,
    /// What VideoAsk said.
    pub said: String,
    /// The likely cause.
    pub cause: &'static str,
    /// The one next step.
    pub next_step: NextStep,
}

impl Report {
    /// The report of a connection at this time.
    #[must_use]
    pub fn of(status: &Status, now: OffsetDateTime) -> Self {
        let Status { identity, history, .. } = status;
        Self {
            user: identity.label().map(str::to_owned),
            user_id: identity.user_id.clone(),
            connection_id: status.version.connection_id.clone(),
            generation: status.version.generation,
            state: status.state,
            obstacle: status.obstacle,
            expires_at: whole(status.expires_at),
            minted_at: whole(status.minted_at),
            refreshes: history.exchanges,
            refreshed_at: history.last.as_ref().map(|last| whole(last.at)),
            refreshed_by: history.last.as_ref().map(|last| last.by.clone()),
            rotation: history.rotation,
            next_refresh: status.next_refresh.map(whole),
            previous_lived: history.previous.as_ref().map(|previous| previous.lasted().whole_seconds()),
            log_in_before: status.log_in_again_before(now).map(whole),
            failure: FailureReport::of(status),
        }
    }

    /// Whether there is a refresh token at all.
    #[must_use]
    pub fn has_refresh_token(&self) -> bool {
        self.obstacle != Some(Obstacle::NoRefreshToken)
    }
}

/// The sentence that people read.
impl Serialize for Obstacle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is in the way, and what to do.
impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "The user is not in ALLOWED_USERS: add the user, or forget the connection.",
            Self::OtherClient => {
                "It belongs to another CLIENT_ID or VIDEOASK_AUTH_URL, and is not used: set the old values again, or log in again."
            }
            Self::NoRefreshToken => "The login gave no refresh token: add offline_access to SCOPES, and log in again.",
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn state_name<S: Serializer>(state: &State, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.word())
}

impl FailureReport {
    pub(super) fn of(status: &Status) -> Option<Self> {
        let failure = status.history.failure.as_ref()?;
        Some(Self {
            since: whole(failure.since),
            failures: failure.failures,
            said: failure.message.to_string(),
            cause: failure.cause.explanation(status.history.rotation),
            next_step: failure.cause.next_step(status.retry),
        })
    }
}

impl Previous {
    /// How long that connection lasted.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        (self.ended_at - self.minted_at).max(Duration::ZERO)
    }
}

pub(super) fn whole(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}
