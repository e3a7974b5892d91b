//! The rows of the simulated store: what each change does to them, also with a bug injected.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use videoask_auth::store::{
    RowKey,
    records::{Cas, Change, Claim, Expected, Lease, LeaseWindow, NewRow, OpenAttempt, Row, RowVersion},
};

use super::{check::WriteKind, fault::Mutation, state::SimulationState};

/// All rows, now and earlier.
#[derive(Debug, Default)]
pub struct Rows {
    pub now: BTreeMap<RowKey, Row>,
    /// What each key's row was before each write, oldest first.
    pub past: HashMap<RowKey, Vec<Option<Row>>>,
    pub away_until: Duration,
    /// The version and text of each notification state.
    pub notifications: BTreeMap<RowKey, (u64, String)>,
}

impl SimulationState {
    pub(super) fn write(&mut self, row: &Row, how: WriteKind) {
        let key = &row.key;
        let before = self.rows.now.insert(key.clone(), row.clone());
        self.check_write(before.as_ref(), row, how);
        self.rows.past.entry(key.clone()).or_default().push(before);
    }

    /// The store loses writes that it confirmed: a row goes back to what it was up to six writes ago, or is gone.
    pub fn lose_writes(&mut self, key: &RowKey) {
        let Some(past) = self.rows.past.get(key).filter(|past| !past.is_empty()) else { return };
        let earlier = self.random.pick(&past[past.len().saturating_sub(6)..]).clone();
        self.log(format_args!("the store loses {key:?}: {earlier:?}"));
        let now = self.now;
        self.check.store_lost(key, now);
        match earlier {
            Some(row) => {
                self.check.store_reverted(&row, now);
                self.rows.now.insert(key.clone(), row)
            }
            None => self.rows.now.remove(key),
        };
    }

    /// The store loses the lease and the attempt of a row.
    pub fn lose_lease(&mut self, key: &RowKey) {
        let Some(row) = self.rows.now.get_mut(key).filter(|row| row.lease.is_some() || row.attempt.is_some()) else {
            return;
        };
        (row.lease, row.attempt) = (None, None);
        self.log(format_args!("the store loses lease and attempt of {key:?}"));
        let now = self.now;
        self.check.store_lost(key, now);
    }

    pub(super) fn claim(&mut self, key: &RowKey, lease: &Lease, window: LeaseWindow, attempt: &OpenAttempt) -> Claim {
        let Some(mut row) = self.rows.now.get(key).cloned() else { return Claim::NoRow };
        let mut looked_at = row.clone();
        if matches!(self.mutation, Some(Mutation::ShortLease | Mutation::WallClockLease)) {
            looked_at.attempt = None;
        }
        if looked_at.is_held(&lease.owner, window, attempt) {
            return Claim::Held(Box::new(row));
        }
        row.lease = Some(lease.clone());
        if self.mutation == Some(Mutation::ShortLease) {
            row.lease = Some(Lease { until: window.now + Duration::from_secs(2), ..lease.clone() });
        }
        self.rows.now.insert(key.clone(), row.clone());
        match (self.mutation, self.rows.past.get(key).and_then(|past| past.last())) {
            (Some(Mutation::NoSecondReading), Some(Some(earlier)))
                if earlier.version.connection_id == row.version.connection_id =>
            {
                Claim::Claimed(Box::new(earlier.clone()))
            }
            _ => Claim::Claimed(Box::new(row)),
        }
    }

    pub(super) fn swap(&mut self, key: &RowKey, expected: &Expected, change: &Change) -> Cas {
        let Some(row) = self.rows.now.get(key).cloned() else { return Cas::NoRow };
        if !row.matches(expected) && !self.ignores_mismatch(&row, expected, change) {
            return Cas::Conflict(Box::new(row));
        }
        let mut after = row;
        after.apply(change);
        if self.mutation == Some(Mutation::UnfencedSave) {
            // This store overwrites the tokens of another connection too.
            after.version.connection_id.clone_from(&expected.version.connection_id);
        }
        if self.mutation == Some(Mutation::NoWriteAhead) {
            after.attempt = None;
        }
        self.write(&after, WriteKind::Cas);
        Cas::Applied
    }

    /// Whether a store with the injected bug applies the change although the row is not as expected.
    fn ignores_mismatch(&self, row: &Row, expected: &Expected, change: &Change) -> bool {
        let begins = change.attempt.is_some();
        match self.mutation {
            Some(Mutation::NoSecondReading) => begins,
            Some(Mutation::UnfencedSave) => change.generation > expected.version.generation,
            Some(Mutation::NoWriteAhead) => (&row.version, row.state) == (&expected.version, expected.state),
            _ => false,
        }
    }

    pub(super) fn put(&mut self, new: &NewRow, replaces: Option<&RowVersion>) -> Cas {
        match (self.rows.now.get(&new.key), replaces) {
            (Some(row), _) if row.version.connection_id == new.version.connection_id => return Cas::Applied,
            (Some(row), replaces) if Some(&row.head()) != replaces => return Cas::Conflict(Box::new(row.clone())),
            (None, Some(_)) => return Cas::NoRow,
            _ => {}
        }
        self.write(&Row::from(new), WriteKind::Put);
        Cas::Applied
    }

    pub(super) fn restore(&mut self, new: &NewRow) -> Cas {
        if new.limits.is_some() {
            self.check.fail("(e) a session that was logged out is written back".to_owned());
        }
        match self.rows.now.get(&new.key).cloned() {
            Some(row) if !row.is_stale_against(&new.version) => Cas::Conflict(Box::new(row)),
            stored => {
                let mut row = Row::from(new);
                row.lease = stored.and_then(|row| row.lease);
                self.write(&row, WriteKind::Restore);
                Cas::Applied
            }
        }
    }
}
