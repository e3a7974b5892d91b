//! A connection as people and machines see it.

use serde::{Serialize, Serializer};
use time::{Duration, OffsetDateTime};

use crate::{
    store::records::State,
    times::{span, whole_seconds},
    vault::{
        record::{cause::NextStep, rotation::Rotation},
        report::{attention::Attention, login_end::LoginEnd, obstacle::Obstacle, status::Status},
    },
};

/// A connection as people and machines see it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// E-mail, name or id.
    pub(crate) user: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) connection_id: String,
    pub(crate) generation: u64,
    #[serde(serialize_with = "state_name")]
    pub(crate) state: State,
    /// Why it is not used, although its state allows it.
    pub(crate) obstacle: Option<Obstacle>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) expires_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) minted_at: OffsetDateTime,
    pub(crate) refreshes: u64,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) refreshed_at: Option<OffsetDateTime>,
    pub(crate) refreshed_by: Option<String>,
    /// Whether VideoAsk returns a new refresh token at each refresh.
    pub(crate) rotation: Rotation,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) next_refresh: Option<OffsetDateTime>,
    /// How long the previous connection lasted, in seconds.
    pub(crate) previous_lived: Option<i64>,
    /// When the login is expected to end: log in again before.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) log_in_before: Option<OffsetDateTime>,
    /// The same, and how near it is.
    #[serde(skip)]
    pub(crate) login_end: Option<LoginEnd>,
    #[serde(skip)]
    pub(crate) attention: Attention,
    #[serde(rename = "trouble")]
    pub(crate) failure: Option<FailureReport>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct FailureReport {
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) since: OffsetDateTime,
    pub(crate) failures: u32,
    pub(crate) said: String,
    pub(crate) cause: &'static str,
    pub(crate) next_step: NextStep,
}

impl Report {
    pub(crate) fn of(status: &Status, now: OffsetDateTime) -> Self {
        let Status { identity, history, .. } = status;
        Self {
            user: identity.label().map(str::to_owned),
            user_id: identity.user_id.clone(),
            connection_id: status.version.connection_id.clone(),
            generation: status.version.generation,
            state: status.state,
            obstacle: status.obstacle,
            expires_at: whole_seconds(status.expires_at),
            minted_at: whole_seconds(status.minted_at),
            refreshes: history.exchanges,
            refreshed_at: history.last.as_ref().map(|last| whole_seconds(last.at)),
            refreshed_by: history.last.as_ref().map(|last| last.by.clone()),
            rotation: history.rotation,
            next_refresh: status.next_refresh.map(whole_seconds),
            previous_lived: history.previous.as_ref().map(|previous| previous.lasted().whole_seconds()),
            log_in_before: status.login_end.map(|end| whole_seconds(end.at)),
            login_end: status.login_end,
            attention: Attention::of(status, now),
            failure: FailureReport::of(status),
        }
    }

    pub(crate) fn previous_lasted(&self) -> Option<String> {
        self.previous_lived.map(|seconds| span(Duration::seconds(seconds)))
    }

    pub(crate) fn has_refresh_token(&self) -> bool {
        self.obstacle != Some(Obstacle::NoRefreshToken)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn state_name<S: Serializer>(state: &State, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

impl FailureReport {
    /// How many refreshes failed in a row, in words, if it was not just one.
    pub(crate) fn in_a_row(&self) -> Option<String> {
        (self.failures > 1).then(|| format!("{} times in a row", self.failures))
    }

    pub(super) fn of(status: &Status) -> Option<Self> {
        let failure = status.history.failure.as_ref()?;
        Some(Self {
            since: whole_seconds(failure.since),
            failures: failure.failures,
            said: failure.message.to_string(),
            cause: failure.cause.explanation(status.history.rotation),
            next_step: failure.cause.next_step(status.retry),
        })
    }
}
