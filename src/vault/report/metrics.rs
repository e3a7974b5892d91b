//! The vault's part of `/metrics`.

use std::time::Duration;

use time::OffsetDateTime;

use crate::{
    store::{RowCounts, RowGroup, records::State},
    vault::{
        Vault,
        index::RowKind,
        report::{
            gauges::{Gauges, StoreSnapshot},
            obstacle::Obstacle,
            record_state::RecordState,
        },
    },
};

impl Vault {
    /// The gauges of this process and of the store. Without a response of the store, its part is missing.
    pub(crate) async fn gauges(&self) -> Gauges {
        let snapshot = match self.counts().await {
            Ok(counts) => Some(self.snapshot(&counts)),
            Err(_) => None,
        };
        Gauges { unsaved: self.unsaved(), keeper_idle: self.keeper_idle_time(), snapshot }
    }

    fn snapshot(&self, counts: &RowCounts) -> StoreSnapshot {
        let (mut snapshot, now) = (StoreSnapshot::default(), self.0.clock.now());
        for group in &counts.groups {
            let kind = self.kind_of(group);
            if let Some(state) = RecordState::of(kind, group.state) {
                snapshot.count(state, group.rows);
            }
            if let RowKind::Connection(obstacle) = kind {
                count_connections(&mut snapshot, group, obstacle, now);
            }
        }
        snapshot
    }
}

fn count_connections(snapshot: &mut StoreSnapshot, group: &RowGroup, obstacle: Option<Obstacle>, now: OffsetDateTime) {
    match (group.state, obstacle) {
        (State::Live | State::Blocked, obstacle) => {
            if let Some(obstacle) = obstacle {
                snapshot.count_obstacle(obstacle, group.rows);
            }
            if let Some(end) = group.login_end {
                snapshot.login_needed_in((end - now).try_into().unwrap_or_default());
            }
        }
        (State::Dead, None) => snapshot.login_needed_in(Duration::ZERO),
        (State::Dead | State::Revoking | State::Pending | State::Tombstone, _) => {}
    }
    // A connection with an obstacle is never refreshed, and so never overdue.
    let due = group.due.filter(|_| obstacle.is_none());
    if let Some(late) = due.and_then(|due| (now - due).try_into().ok()) {
        snapshot.overdue_by(late);
    }
}
