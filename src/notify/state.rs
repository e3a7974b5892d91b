//! What was reported about one connection, and which event is next, as pure functions of state, observation and time.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{
    store::records::State,
    vault::{Obstacle, Status, Urgency},
};

/// How long a connection must be blocked before it is reported as blocked, or work before it is reported as recovered.
const STABLE_AFTER: Duration = Duration::minutes(10);
/// The pause after the first failed delivery. It doubles with each further failure, up to [`LONGEST_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::seconds(10);
const LONGEST_BACKOFF: Duration = Duration::HOUR;
/// The longest time between two reads of a record, even if it does not seem to have changed.
pub(super) const LONGEST_QUIET: Duration = Duration::HOUR;
const GIVE_UP: Duration = Duration::days(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EventKind {
    /// The login has reached 80 % of its expected life.
    LogInSoon,
    /// The login has reached 95 % of its expected life.
    LogInVerySoon,
    LogInAgain,
    Blocked,
    Recovered,
}

/// The problem that was last reported, while no recovery has been reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReportedProblem {
    LogInAgain,
    Blocked,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The id of the event, which is the same for each delivery.
    pub(super) id: String,
    pub(super) event: EventKind,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(super) at: OffsetDateTime,
    attempts: u32,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    next_try: OffsetDateTime,
    pub(super) claimed_by: Option<String>,
}

/// What was reported about the connection of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct NotificationState {
    connection_id: String,
    reported: Option<ReportedProblem>,
    /// The last report about the end of this connection.
    warned: Warning,
    /// Since when the connection works, if a recovery is to be reported.
    #[serde(with = "time::serde::timestamp::milliseconds::option")]
    working_since: Option<OffsetDateTime>,
    /// The number of events about this record so far. It makes their ids unique.
    events: u64,
    pub(super) pending: Option<Pending>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Warning {
    #[default]
    Never,
    Soon,
    VerySoon,
    Ended,
}

#[derive(Clone, Debug)]
pub(super) struct Observation {
    connection_id: String,
    condition: Condition,
    urgency: Urgency,
    /// When condition or urgency next changes by time alone, without a change of the record.
    changes_at: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Working,
    /// The last refresh failed, and the next one may work.
    Failing,
    Blocked {
        since: OffsetDateTime,
    },
    LogInAgain,
}

impl EventKind {
    /// The name in messages and in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LogInSoon | Self::LogInVerySoon => "log-in-soon",
            Self::LogInAgain => "log-in-again",
            Self::Blocked => "blocked",
            Self::Recovered => "recovered",
        }
    }

    /// Whether the event is still true in this condition.
    fn applies_to(self, condition: Condition) -> bool {
        match (self, condition) {
            (Self::LogInSoon | Self::LogInVerySoon | Self::Recovered, Condition::Working | Condition::Failing)
            | (Self::LogInAgain, Condition::LogInAgain)
            | (Self::Blocked, Condition::Blocked { .. } | Condition::Failing) => true,
            (
                Self::LogInSoon | Self::LogInVerySoon | Self::Recovered,
                Condition::LogInAgain | Condition::Blocked { .. },
            )
            | (Self::LogInAgain, Condition::Working | Condition::Failing | Condition::Blocked { .. })
            | (Self::Blocked, Condition::Working | Condition::LogInAgain) => false,
        }
    }
}

impl Observation {
    /// Observes a connection. `None` if it is not reported: its user is not listed, it belongs to another client, it is
    /// being revoked or is revoked, or it is an import without an owner.
    pub(super) fn of(status: &Status, now: OffsetDateTime) -> Option<Self> {
        if status.key.is_import() {
            return None;
        }
        let condition = match (status.state, status.obstacle) {
            (_, Some(Obstacle::NotAllowed | Obstacle::OtherClient))
            | (State::Revoking | State::Pending | State::Tombstone, _) => return None,
            (State::Dead, _) => Condition::LogInAgain,
            (State::Live | State::Blocked, Some(Obstacle::NoRefreshToken)) if status.expires_at <= now => {
                Condition::LogInAgain
            }
            (State::Blocked, _) => {
                let since = status.history.failure.as_ref().map_or(now, |failure| failure.since);
                Condition::Blocked { since }
            }
            (State::Live, _) if status.history.failure.is_some() => Condition::Failing,
            (State::Live, _) => Condition::Working,
        };
        let urgency = status.login_end.map_or(Urgency::None, |end| end.urgency(now));
        let next_urgency = status.login_end.and_then(|end| end.next_urgency(now));
        let changes_at = next_urgency.into_iter().chain(Some(status.expires_at).filter(|end| now < *end)).min();
        Some(Self { connection_id: status.version.connection_id.clone(), condition, urgency, changes_at })
    }
}

impl Pending {
    /// Whether it is time for the next try. A time that is too far ahead was written by a wrong clock and is ignored.
    pub(super) fn is_due(&self, now: OffsetDateTime) -> bool {
        now >= self.next_try || self.next_try - now > LONGEST_BACKOFF
    }

    /// Whether the event is given up if a delivery fails now.
    pub(super) fn is_given_up(&self, now: OffsetDateTime) -> bool {
        now - self.at >= GIVE_UP
    }

    fn may_have_arrived(&self) -> bool {
        self.attempts > 0 || self.claimed_by.is_some()
    }
}

impl NotificationState {
    /// Reads the stored state. If it cannot be read, nothing counts as reported.
    pub(super) fn read(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a state has only string keys, so JSON can write it")
    }

    /// The state after this observation, with the next event as pending if there is one.
    pub(super) fn advance(mut self, seen: &Observation, now: OffsetDateTime) -> Self {
        let replaced = self.connection_id != seen.connection_id;
        if replaced || self.pending.as_ref().is_some_and(|pending| !pending.event.applies_to(seen.condition)) {
            self.supersede();
        }
        if replaced {
            self = Self {
                connection_id: seen.connection_id.clone(),
                reported: self.reported,
                events: self.events,
                ..Self::default()
            };
        }
        self.working_since = match (seen.condition, self.reported) {
            (Condition::Working, Some(_)) => Some(self.working_since.map_or(now, |since| since.min(now))),
            (Condition::Working, None)
            | (Condition::Failing | Condition::Blocked { .. } | Condition::LogInAgain, _) => None,
        };
        if self.pending.is_none()
            && let Some(event) = self.next_event(seen, now)
        {
            self.events += 1;
            let id = format!("{}-{}", self.connection_id, self.events);
            self.pending = Some(Pending { id, event, at: now, attempts: 0, next_try: now, claimed_by: None });
        }
        self
    }

    fn next_event(&self, seen: &Observation, now: OffsetDateTime) -> Option<EventKind> {
        match (seen.condition, self.reported) {
            // This also applies if a needed login was reported before for an earlier connection: the user has logged in
            // since then, and may not notice that this login ended too.
            (Condition::LogInAgain, _) if self.warned != Warning::Ended => Some(EventKind::LogInAgain),
            (Condition::Blocked { since }, None) if now - since >= STABLE_AFTER => Some(EventKind::Blocked),
            (Condition::Working, Some(_)) => {
                let since = self.working_since?;
                (now - since >= STABLE_AFTER).then_some(EventKind::Recovered)
            }
            (Condition::Working | Condition::Failing, None) => match (seen.urgency, self.warned) {
                (Urgency::Urgent, Warning::Never | Warning::Soon) => Some(EventKind::LogInVerySoon),
                (Urgency::Soon, Warning::Never) => Some(EventKind::LogInSoon),
                (Urgency::None | Urgency::Soon | Urgency::Urgent, _) => None,
            },
            (Condition::LogInAgain | Condition::Blocked { .. }, _) | (Condition::Failing, Some(_)) => None,
        }
    }

    /// When there may be something to do, even if the connection does not change.
    pub(super) fn next_look(&self, seen: &Observation) -> Option<OffsetDateTime> {
        if let Some(pending) = &self.pending {
            // A claimed event has no time of its own: each round checks the claim.
            return pending.claimed_by.is_none().then_some(pending.next_try);
        }
        match (seen.condition, self.reported) {
            (Condition::Blocked { since }, None) => Some(since + STABLE_AFTER),
            _ => self.working_since.map(|since| since + STABLE_AFTER),
        }
    }

    /// Whether this state must replace `before` in the store. Most connections never have anything to report, so
    /// nothing is stored for them.
    pub(super) fn is_news(&self, before: &Self) -> bool {
        let blank = Self { connection_id: self.connection_id.clone(), ..Self::default() };
        self != before && (*before != Self::default() || *self != blank)
    }

    /// Until when there is nothing to do if neither this state nor the record changes. `None` if an event is pending.
    pub(super) fn quiet_until(&self, seen: &Observation, now: OffsetDateTime) -> Option<OffsetDateTime> {
        if self.pending.is_some() {
            return None;
        }
        [self.next_look(seen), seen.changes_at, Some(now + LONGEST_QUIET)].into_iter().flatten().min()
    }

    /// Drops the pending event, which is no longer true. If it may have arrived, it counts as reported.
    fn supersede(&mut self) {
        match self.pending.take() {
            Some(pending) if pending.may_have_arrived() => self.mark_reported(pending.event),
            Some(_) | None => {}
        }
    }

    fn mark_reported(&mut self, event: EventKind) {
        match event {
            EventKind::LogInSoon => self.warned = Warning::Soon,
            EventKind::LogInVerySoon => self.warned = Warning::VerySoon,
            EventKind::LogInAgain => (self.reported, self.warned) = (Some(ReportedProblem::LogInAgain), Warning::Ended),
            EventKind::Blocked => self.reported = Some(ReportedProblem::Blocked),
            EventKind::Recovered => {
                (self.reported, self.working_since) = (None, None);
                self.warned = self.warned.min(Warning::VerySoon);
            }
        }
    }

    /// The state in which this process has claimed the pending event.
    pub(super) fn claimed_by(mut self, process: &str) -> Self {
        if let Some(pending) = &mut self.pending {
            pending.claimed_by = Some(process.to_owned());
        }
        self
    }

    /// The state after the pending event was delivered or given up.
    pub(super) fn reported(mut self) -> Self {
        if let Some(pending) = self.pending.take() {
            self.mark_reported(pending.event);
        }
        self
    }

    pub(super) fn failed(mut self, now: OffsetDateTime) -> Self {
        if let Some(pending) = &mut self.pending {
            let backoff = FIRST_BACKOFF * 2_i32.pow(pending.attempts.min(16));
            pending.attempts += 1;
            pending.next_try = now + backoff.min(LONGEST_BACKOFF);
            pending.claimed_by = None;
        }
        self
    }
}

#[cfg(test)]
mod tests;
