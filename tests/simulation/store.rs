//! The store as its contract says, and the wire to it, where a step may be refused, lost, or arrive late.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use videoask_auth::store::{
    NameHash, NewIndex, RowCounts, RowGroup, RowKey, StoreError, StoreLocation, UnavailableReason,
    records::{
        Adoption, Cas, Change, Claim, Expected, KeyId, Lease, LeaseSpan, NewRow, OpenAttempt, Owner, Page, Records,
        Row, RowVersion, Sealed, State, Version,
    },
};

use super::{
    check::How,
    fault::Mutation,
    world::{Inner, ProcessId, World},
};

/// All rows, and what they were.
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
    pub world: World,
    pub process: ProcessId,
}

impl std::fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimulatedStore({})", self.process)
    }
}

/// What becomes of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Refused,
    AnswerLost,
    Late,
    Hangs,
}

impl SimulatedStore {
    /// Sends a step on its way, and waits for what comes back.
    pub async fn step<T: std::fmt::Debug + Send + 'static>(
        &self,
        what: &'static str,
        apply: impl FnOnce(&mut Inner) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let receiver = self.world.lock().post_step(self.process, what, apply);
        receiver.await.unwrap_or(Err(unavailable()))
    }
}

/// The one place that knows how a store says that it did not do as asked.
fn unavailable() -> StoreError {
    StoreError::Unavailable { at: StoreLocation::Memory, reason: UnavailableReason::TimedOut, source: None }
}

impl Inner {
    fn post_step<T: std::fmt::Debug + Send + 'static>(
        &mut self,
        process: ProcessId,
        what: &'static str,
        apply: impl FnOnce(&mut Inner) -> T + Send + 'static,
    ) -> oneshot::Receiver<Result<T, StoreError>> {
        let (sender, receiver) = oneshot::channel();
        self.hit(process);
        let fate = self.fate_of_step(process);
        let (there, back) = (self.random.millis(0..40), self.random.millis(0..40));
        let there = if fate == Fate::Late { self.random.millis(500..9_000) } else { there };
        self.send(there, move |world| {
            let answer = match fate {
                Fate::Refused | Fate::Hangs => Err(unavailable()),
                _ => Ok(apply(world)),
            };
            world.tell(format_args!("p{process} {what}: {fate:?} {answer:?}"));
            let answer = if fate == Fate::Answered { answer } else { Err(unavailable()) };
            world.hit(process);
            let back = if fate == Fate::Hangs { Duration::from_secs(3600) } else { back };
            world.send(back, move |world| {
                world.hit(process);
                world.touched.push(process);
                let _ = sender.send(answer);
            });
        });
        receiver
    }

    fn fate_of_step(&mut self, process: ProcessId) -> Fate {
        let now = self.now;
        let unreachable = now < self.rows.away_until || now < self.health(process).cut_off_until;
        let fate = if unreachable {
            *self.random.pick(&[Fate::Refused, Fate::Hangs])
        } else if self.health(process).failed < 2 && self.happens(|faults| faults.store_fails) {
            *self.random.pick(&[Fate::Refused, Fate::AnswerLost, Fate::Late, Fate::Hangs])
        } else {
            Fate::Answered
        };
        let health = self.health(process);
        if fate == Fate::Answered {
            health.failed = 0;
        } else {
            health.failed += 1;
            health.store_trouble = now;
        }
        fate
    }

    fn write(&mut self, row: &Row, how: How) {
        let key = &row.key;
        let before = self.rows.now.insert(key.clone(), row.clone());
        self.check_write(before.as_ref(), row, how);
        self.rows.past.entry(key.clone()).or_default().push(before);
    }

    /// The store loses what it said yes to: a row is as it was some writes ago, or was never there.
    pub fn lose(&mut self, key: &RowKey) {
        let Some(past) = self.rows.past.get(key).filter(|past| !past.is_empty()) else { return };
        let earlier = self.random.pick(&past[past.len().saturating_sub(6)..]).clone();
        self.tell(format_args!("the store loses {key:?}: {earlier:?}"));
        let now = self.now;
        self.check.store_lost(key, now);
        match earlier {
            Some(row) => {
                self.check.store_went_back(&row, now);
                self.rows.now.insert(key.clone(), row)
            }
            None => self.rows.now.remove(key),
        };
    }

    /// The store loses what it said yes to: who works on a row.
    pub fn lose_lease(&mut self, key: &RowKey) {
        let Some(row) = self.rows.now.get_mut(key).filter(|row| row.lease.is_some() || row.attempt.is_some()) else {
            return;
        };
        (row.lease, row.attempt) = (None, None);
        self.tell(format_args!("the store loses lease and attempt of {key:?}"));
        let now = self.now;
        self.check.store_lost(key, now);
    }

    fn claim(&mut self, key: &RowKey, lease: &Lease, span: LeaseSpan, attempt: &OpenAttempt) -> Claim {
        let Some(mut row) = self.rows.now.get(key).cloned() else { return Claim::NoRow };
        let mut looked_at = row.clone();
        if matches!(self.mutation, Some(Mutation::ShortLease | Mutation::WallClockLease)) {
            looked_at.attempt = None;
        }
        if looked_at.is_held(&lease.owner, span, attempt) {
            return Claim::Held(Box::new(row));
        }
        row.lease = Some(lease.clone());
        if self.mutation == Some(Mutation::ShortLease) {
            row.lease = Some(Lease { until: span.now + Duration::from_secs(2), ..lease.clone() });
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
        if !row.matches(expected) && !self.waves_through(&row, expected, change) {
            return Cas::Conflict(Box::new(row));
        }
        let mut after = row;
        after.apply(change);
        if self.mutation == Some(Mutation::UnfencedSave) {
            // What is not compared is simply overwritten, whosever it was.
            after.version.connection_id.clone_from(&expected.version.connection_id);
        }
        if self.mutation == Some(Mutation::NoWriteAhead) {
            after.attempt = None;
        }
        self.write(&after, How::Cas);
        Cas::Applied
    }

    /// What a store with that fault does not compare.
    fn waves_through(&self, row: &Row, expected: &Expected, change: &Change) -> bool {
        let begins = change.attempt.is_some();
        match self.mutation {
            Some(Mutation::NoSecondReading) => begins,
            Some(Mutation::UnfencedSave) => change.generation > expected.version.generation,
            Some(Mutation::NoWriteAhead) => (&row.version, row.state) == (&expected.version, expected.state),
            _ => false,
        }
    }

    fn put(&mut self, new: &NewRow, replaces: Option<&Version>) -> Cas {
        let there = self.rows.now.get(&new.key);
        match (there, replaces) {
            (Some(row), _) if row.version.connection_id == new.version.connection_id => return Cas::Applied,
            (Some(row), replaces) if Some(&row.version) != replaces => return Cas::Conflict(Box::new(row.clone())),
            (None, Some(_)) => return Cas::NoRow,
            _ => {}
        }
        self.write(&Row::from(new), How::Put);
        Cas::Applied
    }

    fn restore(&mut self, new: &NewRow) -> Cas {
        if new.limits.is_some() {
            self.check.fail("(e) a session that was logged out is written back".to_owned());
        }
        match self.rows.now.get(&new.key).cloned() {
            Some(row) if !row.is_stale_against(&new.version) => Cas::Conflict(Box::new(row)),
            there => {
                let mut row = Row::from(new);
                row.lease = there.and_then(|row| row.lease);
                self.write(&row, How::Restore);
                Cas::Applied
            }
        }
    }
}

#[async_trait]
impl Records for SimulatedStore {
    async fn peek(&self, key: &RowKey) -> Result<Option<RowVersion>, StoreError> {
        let key = key.clone();
        self.step("peek", move |world| world.rows.now.get(&key).map(Row::head)).await
    }

    async fn read(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        let key = key.clone();
        self.step("read", move |world| world.rows.now.get(&key).cloned()).await
    }

    async fn put(&self, row: &NewRow, replaces: Option<&Version>) -> Result<Cas, StoreError> {
        let (row, replaces) = (row.clone(), replaces.cloned());
        self.step("put", move |world| world.put(&row, replaces.as_ref())).await
    }

    async fn claim(
        &self,
        key: &RowKey,
        lease: &Lease,
        span: LeaseSpan,
        attempt: &OpenAttempt,
    ) -> Result<Claim, StoreError> {
        {
            let mut world = self.world.lock();
            let asked = world.now;
            world.health(self.process).asked.insert(key.clone(), asked);
        }
        let (key, lease, attempt) = (key.clone(), lease.clone(), attempt.clone());
        self.step("claim", move |world| world.claim(&key, &lease, span, &attempt)).await
    }

    async fn release(&self, key: &RowKey, owner: &Owner) -> Result<(), StoreError> {
        let (key, owner) = (key.clone(), owner.clone());
        self.step("release", move |world| {
            if let Some(row) = world.rows.now.get_mut(&key)
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
        let answer = self.step("swap", move |world| world.swap(&key, &expected, &change)).await;
        let mut world = self.world.lock();
        if saves && answer.is_err() && world.mutation == Some(Mutation::ForgottenSet) {
            world.health(self.process).crash_now = true;
        }
        answer
    }

    async fn restore(&self, row: &NewRow) -> Result<Cas, StoreError> {
        let row = row.clone();
        self.step("restore", move |world| world.restore(&row)).await
    }

    async fn adopt(
        &self,
        pending: &RowKey,
        expected: &Expected,
        grave: &Sealed,
        row: &NewRow,
        replaces: Option<&Version>,
    ) -> Result<Adoption, StoreError> {
        let (pending, expected, grave, row, replaces) =
            (pending.clone(), expected.clone(), grave.clone(), row.clone(), replaces.cloned());
        self.step("adopt", move |world| {
            let Some(import) = world.rows.now.get(&pending).cloned() else { return Adoption::PendingConflict(None) };
            if !import.matches(&expected) {
                return Adoption::PendingConflict(Some(Box::new(import)));
            }
            match world.put(&row, replaces.as_ref()) {
                Cas::Applied => {}
                Cas::Conflict(there) => return Adoption::OwnerConflict(Some(there)),
                Cas::NoRow => return Adoption::OwnerConflict(None),
            }
            let tombstone =
                Row { state: State::Tombstone, due: None, attempt: None, lease: None, sealed: grave, ..import };
            world.write(&tombstone, How::Adopt);
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
        self.step("due", move |world| {
            let rows = world.rows.now.values();
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
        self.step("list", move |world| {
            let rows = world.rows.now.values();
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
        self.step("find", move |world| {
            let has_any = |row: &&Row| {
                let index = row.sealed.index.as_ref().filter(|_| row.limits.is_none());
                index.is_some_and(|index| names.iter().any(|name| index.names.contain(name)))
            };
            world.rows.now.values().filter(has_any).cloned().collect()
        })
        .await
    }

    async fn counts(&self) -> Result<RowCounts, StoreError> {
        self.step("counts", |world| {
            let mut counts = RowCounts::default();
            for row in world.rows.now.values().filter(|row| row.limits.is_none()) {
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
        self.step("reindex", move |world| {
            for NewIndex { key, version, index } in rows {
                if let Some(row) = world.rows.now.get_mut(&key).filter(|row| row.version == version) {
                    row.sealed.index = Some(index);
                }
            }
        })
        .await
    }
}
