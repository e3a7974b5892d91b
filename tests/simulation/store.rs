//! A store that follows the contract, and the network between it and the processes, where a call may fail, get lost or
//! arrive late.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use videoask_auth::store::{
    NameHash, NewIndex, RowCounts, RowGroup, RowKey, SessionRow, StoreError, StoreLocation, UnavailableReason,
    records::{
        Adoption, Cas, Change, Claim, Expected, KeyId, Lease, LeaseWindow, NewRow, OpenAttempt, Owner, Page, Records,
        Row, RowVersion, Sealed, State,
    },
};

use super::{
    check::WriteKind,
    fault::Mutation,
    state::{ProcessId, Simulation, SimulationState},
};

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

/// The store, as one process reaches it.
#[derive(Clone)]
pub struct SimulatedStore {
    pub simulation: Simulation,
    pub process: ProcessId,
}

impl std::fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimulatedStore({})", self.process)
    }
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Answered,
    Refused,
    AnswerLost,
    Late,
    Hangs,
}

impl SimulatedStore {
    /// Sends a call, and waits for its response.
    pub async fn step<T: std::fmt::Debug + Send + 'static>(
        &self,
        what: &'static str,
        apply: impl FnOnce(&mut SimulationState) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let receiver = self.simulation.lock().send_step(self.process, what, apply);
        receiver.await.unwrap_or(Err(unavailable()))
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable { at: StoreLocation::Memory, reason: UnavailableReason::TimedOut, source: None }
}

impl SimulationState {
    fn send_step<T: std::fmt::Debug + Send + 'static>(
        &mut self,
        process: ProcessId,
        what: &'static str,
        apply: impl FnOnce(&mut SimulationState) -> T + Send + 'static,
    ) -> oneshot::Receiver<Result<T, StoreError>> {
        let (sender, receiver) = oneshot::channel();
        self.inject_process_faults(process);
        let outcome = self.outcome_of_step(process);
        let (request_delay, response_delay) = (self.random.millis(0..40), self.random.millis(0..40));
        let request_delay = if outcome == Outcome::Late { self.random.millis(500..9_000) } else { request_delay };
        self.send(request_delay, move |simulation| {
            let response = match outcome {
                Outcome::Refused | Outcome::Hangs => Err(unavailable()),
                _ => Ok(apply(simulation)),
            };
            simulation.log(format_args!("p{process} {what}: {outcome:?} {response:?}"));
            let response = if outcome == Outcome::Answered { response } else { Err(unavailable()) };
            simulation.inject_process_faults(process);
            let response_delay = if outcome == Outcome::Hangs { Duration::from_secs(3600) } else { response_delay };
            simulation.send(response_delay, move |simulation| {
                simulation.inject_process_faults(process);
                simulation.woken.push(process);
                let _ = sender.send(response);
            });
        });
        receiver
    }

    fn outcome_of_step(&mut self, process: ProcessId) -> Outcome {
        let now = self.now;
        let unreachable = now < self.rows.away_until || now < self.status(process).cut_off_until;
        let outcome = if unreachable {
            *self.random.pick(&[Outcome::Refused, Outcome::Hangs])
        } else if self.status(process).failed < 2 && self.happens(|faults| faults.store_fails) {
            *self.random.pick(&[Outcome::Refused, Outcome::AnswerLost, Outcome::Late, Outcome::Hangs])
        } else {
            Outcome::Answered
        };
        let status = self.status(process);
        if outcome == Outcome::Answered {
            status.failed = 0;
        } else {
            status.failed += 1;
            status.store_trouble = now;
        }
        outcome
    }

    fn write(&mut self, row: &Row, how: WriteKind) {
        let key = &row.key;
        let before = self.rows.now.insert(key.clone(), row.clone());
        self.check_write(before.as_ref(), row, how);
        self.rows.past.entry(key.clone()).or_default().push(before);
    }

    /// The store loses writes that it confirmed: a row is as it was some writes ago, or missing.
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

    fn claim(&mut self, key: &RowKey, lease: &Lease, window: LeaseWindow, attempt: &OpenAttempt) -> Claim {
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

    fn swap(&mut self, key: &RowKey, expected: &Expected, change: &Change) -> Cas {
        let Some(row) = self.rows.now.get(key).cloned() else { return Cas::NoRow };
        if !row.matches(expected) && !self.ignores_mismatch(&row, expected, change) {
            return Cas::Conflict(Box::new(row));
        }
        let mut after = row;
        after.apply(change);
        if self.mutation == Some(Mutation::UnfencedSave) {
            // Another connection is overwritten too.
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

    fn put(&mut self, new: &NewRow, replaces: Option<&RowVersion>) -> Cas {
        let request_delay = self.rows.now.get(&new.key);
        match (request_delay, replaces) {
            (Some(row), _) if row.version.connection_id == new.version.connection_id => return Cas::Applied,
            (Some(row), replaces) if Some(&row.head()) != replaces => return Cas::Conflict(Box::new(row.clone())),
            (None, Some(_)) => return Cas::NoRow,
            _ => {}
        }
        self.write(&Row::from(new), WriteKind::Put);
        Cas::Applied
    }

    fn restore(&mut self, new: &NewRow) -> Cas {
        if new.limits.is_some() {
            self.check.fail("(e) a session that was logged out is written back".to_owned());
        }
        match self.rows.now.get(&new.key).cloned() {
            Some(row) if !row.is_stale_against(&new.version) => Cas::Conflict(Box::new(row)),
            request_delay => {
                let mut row = Row::from(new);
                row.lease = request_delay.and_then(|row| row.lease);
                self.write(&row, WriteKind::Restore);
                Cas::Applied
            }
        }
    }
}

#[async_trait]
impl Records for SimulatedStore {
    async fn peek(&self, key: &RowKey) -> Result<Option<RowVersion>, StoreError> {
        let key = key.clone();
        self.step("peek", move |simulation| simulation.rows.now.get(&key).map(Row::head)).await
    }

    async fn read(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let key = key.clone();
        self.step("read", move |simulation| simulation.rows.now.get(&key).cloned()).await
    }

    async fn put(&self, row: &NewRow, replaces: Option<&RowVersion>) -> Result<Cas, StoreError> {
        let (row, replaces) = (row.clone(), replaces.cloned());
        self.step("put", move |simulation| simulation.put(&row, replaces.as_ref())).await
    }

    /// There are no sessions here.
    async fn put_with_session(
        &self,
        row: &NewRow,
        replaces: Option<&RowVersion>,
        _: &SessionRow,
    ) -> Result<Cas, StoreError> {
        self.put(row, replaces).await
    }

    async fn claim(
        &self,
        key: &RowKey,
        lease: &Lease,
        window: LeaseWindow,
        attempt: &OpenAttempt,
    ) -> Result<Claim, StoreError> {
        {
            let mut simulation = self.simulation.lock();
            let asked = simulation.now;
            simulation.status(self.process).asked.insert(key.clone(), asked);
        }
        let (key, lease, attempt) = (key.clone(), lease.clone(), attempt.clone());
        self.step("claim", move |simulation| simulation.claim(&key, &lease, window, &attempt)).await
    }

    async fn release(&self, key: &RowKey, owner: &Owner) -> Result<(), StoreError> {
        let (key, owner) = (key.clone(), owner.clone());
        self.step("release", move |simulation| {
            if let Some(row) = simulation.rows.now.get_mut(&key)
                && row.lease.as_ref().is_some_and(|lease| lease.owner == owner)
            {
                row.lease = None;
            }
        })
        .await
    }

    async fn swap(&self, key: &RowKey, expected: &Expected, change: &Change) -> Result<Cas, StoreError> {
        let (key, expected, change) = (key.clone(), expected.clone(), change.clone());
        let saves = change.generation > expected.version.generation;
        let response = self.step("swap", move |simulation| simulation.swap(&key, &expected, &change)).await;
        let mut simulation = self.simulation.lock();
        if saves && response.is_err() && simulation.mutation == Some(Mutation::ForgottenSet) {
            simulation.status(self.process).crash_now = true;
        }
        response
    }

    async fn restore(&self, row: &NewRow) -> Result<Cas, StoreError> {
        let row = row.clone();
        self.step("restore", move |simulation| simulation.restore(&row)).await
    }

    async fn adopt(
        &self,
        pending: &RowKey,
        expected: &Expected,
        grave: &Sealed,
        row: &NewRow,
        replaces: Option<&RowVersion>,
    ) -> Result<Adoption, StoreError> {
        let (pending, expected, grave, row, replaces) =
            (pending.clone(), expected.clone(), grave.clone(), row.clone(), replaces.cloned());
        self.step("adopt", move |simulation| {
            let Some(import) = simulation.rows.now.get(&pending).cloned() else {
                return Adoption::PendingConflict(None);
            };
            if !import.matches(&expected) {
                return Adoption::PendingConflict(Some(Box::new(import)));
            }
            match simulation.put(&row, replaces.as_ref()) {
                Cas::Applied => {}
                Cas::Conflict(request_delay) => return Adoption::OwnerConflict(Some(request_delay)),
                Cas::NoRow => return Adoption::OwnerConflict(None),
            }
            let tombstone =
                Row { state: State::Tombstone, due: None, attempt: None, lease: None, sealed: grave, ..import };
            simulation.write(&tombstone, WriteKind::Adopt);
            Adoption::Applied
        })
        .await
    }

    async fn due(
        &self,
        now: OffsetDateTime,
        after: Option<&(OffsetDateTime, RowKey)>,
        limit: u32,
    ) -> Result<Vec<(OffsetDateTime, RowKey)>, StoreError> {
        let after = after.cloned();
        self.step("due", move |simulation| {
            let rows = simulation.rows.now.values();
            let mut due: Vec<_> = rows.filter_map(|row| Some((row.due?, row.key.clone()))).collect();
            due.retain(|entry| entry.0 <= now && after.as_ref().is_none_or(|after| entry > after));
            due.sort();
            due.truncate(limit as usize);
            due
        })
        .await
    }

    async fn list(&self, page: Page<'_>) -> Result<Vec<Row>, StoreError> {
        let (after, limit) = (page.after.cloned(), page.limit as usize);
        self.step("list", move |simulation| {
            let rows = simulation.rows.now.values();
            rows.filter(|row| row.limits.is_none() && after.as_ref().is_none_or(|after| row.key > *after))
                .take(limit)
                .cloned()
                .collect()
        })
        .await
    }

    async fn sealed_by_other_keys(&self, key_id: &KeyId, page: Page<'_>) -> Result<Vec<RowKey>, StoreError> {
        let key_id = key_id.clone();
        let rows = self.list(page).await?;
        Ok(rows.into_iter().filter(|row| row.sealed.key_id != key_id).map(|row| row.key).collect())
    }

    async fn find(&self, names: &[NameHash]) -> Result<Vec<Row>, StoreError> {
        let names = names.to_vec();
        self.step("find", move |simulation| {
            let has_any = |row: &&Row| {
                let index = row.sealed.index.as_ref().filter(|_| row.limits.is_none());
                index.is_some_and(|index| names.iter().any(|name| index.names.contain(name)))
            };
            simulation.rows.now.values().filter(has_any).cloned().collect()
        })
        .await
    }

    async fn counts(&self) -> Result<RowCounts, StoreError> {
        self.step("counts", |simulation| {
            let mut counts = RowCounts::default();
            for row in simulation.rows.now.values().filter(|row| row.limits.is_none()) {
                let Some(index) = &row.sealed.index else {
                    counts.unindexed += 1;
                    continue;
                };
                counts.groups.push(RowGroup {
                    key_id: row.sealed.key_id.clone(),
                    state: row.state,
                    label: index.label.clone(),
                    rows: 1,
                    due: row.due,
                    login_end: index.login_end,
                });
            }
            counts
        })
        .await
    }

    async fn reindex(&self, rows: &[NewIndex]) -> Result<(), StoreError> {
        let rows = rows.to_vec();
        self.step("reindex", move |simulation| {
            for NewIndex { key, version, index } in rows {
                if let Some(row) = simulation.rows.now.get_mut(&key).filter(|row| row.version == version) {
                    row.sealed.index = Some(index);
                }
            }
        })
        .await
    }
}
