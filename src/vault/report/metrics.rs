//! The vault's part of `/metrics`.

use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    store::records::State,
    telemetry::{self, Gauges, RecordState, StoreSnapshot},
    vault::{
        Vault,
        report::status::{ListEntry, Obstacle, Status},
    },
};

impl Vault {
    /// The gauges of this process and of the store. Without a response of the store, its part is missing.
    pub(crate) async fn gauges(&self) -> Gauges {
        let snapshot = match self.list().await {
            Ok(rows) => Some(snapshot(&rows, self.0.clock.now())),
            Err(_) => None,
        };
        Gauges { unsaved: self.unsaved(), keeper_silence: self.keeper_idle_time(), snapshot }
    }
}

fn snapshot(rows: &[ListEntry], now: OffsetDateTime) -> StoreSnapshot {
    let mut snapshot = StoreSnapshot::default();
    for row in rows {
        snapshot.count(RecordState::of(row));
        if let ListEntry::Connection(status) = row {
            if let Some(obstacle) = status.obstacle.filter(|_| status.is_in_use()) {
                snapshot.count_obstacle(obstacle.into());
            }
            if let Some(time) = status.time_until_login(now) {
                snapshot.login_needed_in(time);
            }
            // A connection with an obstacle is never refreshed, and so never overdue.
            if let Some(late) = status.next_refresh.and_then(|due| (now - due).try_into().ok()) {
                snapshot.overdue_by(late);
            }
        }
    }
    snapshot
}

impl Status {
    /// How long until its user has to log in, if that is known; nothing is left if only a login helps now.
    fn time_until_login(&self, now: OffsetDateTime) -> Option<Duration> {
        if self.state == State::Dead && self.obstacle.is_none() && !self.key.is_import() {
            return Some(Duration::ZERO);
        }
        self.login_end.map(|end| Duration::try_from(end.at - now).unwrap_or_default())
    }

    fn is_in_use(&self) -> bool {
        matches!(self.state, State::Live | State::Blocked)
    }
}

impl RecordState {
    fn of(row: &ListEntry) -> Self {
        match row {
            ListEntry::Connection(status) if status.state == State::Dead && status.key.is_import() => Self::Refused,
            ListEntry::Connection(status) => status.state.into(),
            ListEntry::Tombstone(_) => Self::Forgotten,
            ListEntry::Unreadable(..) => Self::Unreadable,
        }
    }
}

impl From<State> for RecordState {
    fn from(state: State) -> Self {
        match state {
            State::Live => Self::Live,
            State::Dead => Self::ReconnectRequired,
            State::Blocked => Self::Blocked,
            State::Revoking => Self::Revoking,
            State::Pending => Self::Pending,
            State::Tombstone => Self::Forgotten,
        }
    }
}

impl From<Obstacle> for telemetry::Obstacle {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::NotAllowed => Self::NotAllowed,
            Obstacle::OtherClient => Self::OtherClient,
            Obstacle::NoRefreshToken => Self::NoRefreshToken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_the_same_name_in_a_metric_as_everywhere_else() {
        for state in [State::Live, State::Dead, State::Blocked, State::Revoking, State::Pending, State::Tombstone] {
            assert_eq!(RecordState::from(state).as_str(), state.word());
        }
    }
}
