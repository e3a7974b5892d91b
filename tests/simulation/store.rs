//! A store that follows the contract, and the network between it and the processes. On the network a call may fail,
//! arrive late or lose its response.

use std::time::Duration;

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

/// One process's connection to the store.
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

    /// Puts only the row: the simulation has no sessions.
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
