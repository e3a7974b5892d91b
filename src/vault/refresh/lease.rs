//! Takes the lease (docs/vault.md, rule 3), and watches an open attempt of another process (docs/vault.md, rule 8).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{
    store::records::{Cas, Change, Claim, Expected, Lease, LeaseWindow, OpenAttempt, Owner, Row},
    vault::{
        Vault,
        error::VaultError,
        refresh::{cached_record::CachedRecord, restore::Restored, single_flight::Job, task::JobResult},
    },
};

const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The pause before a release is tried again.
const RELEASE_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time between two requests whose responses show the same attempt. A longer gap restarts the watch, since
/// the store may have been unreachable in between.
const WATCH_GAP: Duration = Duration::from_secs(5);
/// How long a job waits for a lease before [`Vault::waits_for_another`] completes.
const WAIT_NOTICE: Duration = Duration::from_secs(1);

/// How many times a job takes the lease before it gives up. It takes the lease again after a process whose clock
/// differs has taken it over.
pub(crate) const LEASE_TRIES: usize = 4;

/// A lease of this process, and the row as it was read under it. If the row has an open attempt, this lease has taken
/// it over.
#[derive(Debug)]
pub(crate) struct HeldLease {
    pub(crate) owner: Owner,
    /// When the lease ends, by the boot-time clock. Its length is counted from before the request for it.
    pub(crate) ends: Duration,
    pub(crate) asked: Duration,
    pub(crate) row: Box<Row>,
}

pub(crate) enum TakenLease {
    Held(HeldLease),
    /// The lease was not taken: the job is not needed, or there is no row.
    Unneeded(Option<Arc<CachedRecord>>),
}

pub(crate) enum LeaseOutcome {
    Done(Option<Arc<CachedRecord>>),
    /// Another process, whose clock differs, took over the lease and has not finished. The caller starts again.
    LeaseLost,
}

/// How long this process has seen an attempt unchanged, by its own boot-time clock. If the store does not respond,
/// `take_lease` fails, and the next call starts a new watch.
#[derive(Debug, Default)]
struct AttemptWatch(Option<SeenAttempt>);

#[derive(Debug)]
struct SeenAttempt {
    attempt: Owner,
    /// When the first response that showed the attempt was received.
    since: Duration,
    /// When the request was made whose response last showed the attempt.
    asked: Duration,
}

impl Vault {
    /// Completes once a job of this process has waited a while for another process that works on the same record.
    pub(crate) async fn waits_for_another(&self) {
        self.0.waiting.wait().await;
    }
}

impl Job {
    /// Takes the lease. While a lease or an open attempt prevents that, `unneeded` examines the row: if it returns a
    /// result, the wait ends with that result.
    pub(crate) async fn take_lease(
        &self,
        unneeded: impl Fn(&Row, Duration) -> Option<JobResult>,
    ) -> Result<TakenLease, VaultError> {
        let vault = &self.vault.0;
        let owner = self.new_owner();
        let started = vault.clock.boot_time();
        let (mut watch, mut attempt) = (AttemptWatch::default(), OpenAttempt::Respect);
        loop {
            if self.vault.is_closing() {
                return Err(VaultError::Stopping);
            }
            let asked = vault.clock.boot_time();
            match self.claim(&owner, &attempt).await {
                Err(error) => {
                    // The store may have applied the claim, or may still do so, and nobody else would release the
                    // lease.
                    let _ = self.vault.call_store(vault.store.release(&self.key, &owner)).await;
                    return Err(error);
                }
                Ok(Claim::Claimed(row)) => {
                    let ends = asked + vault.settings.lease();
                    return Ok(TakenLease::Held(HeldLease { owner, ends, asked, row }));
                }
                Ok(Claim::NoRow) => match self.restore_missing(asked).await? {
                    Restored::Yes => {}
                    Restored::No => return Ok(TakenLease::Unneeded(None)),
                },
                Ok(Claim::Held(row)) => {
                    if let Some(result) = unneeded(&row, asked) {
                        return result.map(TakenLease::Unneeded);
                    }
                    self.release_leftover(&row).await?;
                    attempt = self.open_attempt(&mut watch, &row, asked);
                }
            }
            let waited = vault.clock.boot_time().saturating_sub(started);
            if waited > WAIT_NOTICE {
                // An error only means that it is already set.
                let _ = vault.waiting.set(());
            }
            if waited > vault.settings.lease_timeout() {
                return Err(VaultError::Busy);
            }
            vault.clock.sleep(POLL_INTERVAL).await;
        }
    }

    /// Releases the lease. If this fails, it expires by itself.
    pub(crate) async fn release(&self, held: &HeldLease) -> Result<(), VaultError> {
        self.vault.call_store(self.vault.0.store.release(&self.key, &held.owner)).await
    }

    /// The same, and again while the store does not respond: other processes wait for the lease until it expires.
    pub(super) async fn release_with_retries(&self, held: &HeldLease) {
        let clock = &self.vault.0.clock;
        while self.release(held).await.is_err() && clock.boot_time() < held.ends && !self.vault.is_closing() {
            clock.sleep(RELEASE_INTERVAL).await;
        }
    }

    /// Changes the row if it is as it was read under the lease, and still has this lease.
    pub(crate) async fn swap_under(&self, held: &HeldLease, change: &Change) -> Result<Cas, VaultError> {
        self.vault.call_store(self.vault.0.store.swap(&self.key, &held.as_read(), change)).await
    }

    /// Whether a lease or attempt belongs to this process. If it does, it is left over from an earlier job, since one
    /// write job at a time works on a record.
    pub(crate) fn is_ours(&self, owner: &Owner) -> bool {
        owner.0.rsplit_once('#').is_some_and(|(process, _)| process == self.vault.0.settings.process)
    }

    /// A name that no other lease or attempt has.
    fn new_owner(&self) -> Owner {
        let serial = self.vault.0.serial.fetch_add(1, Ordering::Relaxed);
        Owner(format!("{}#{serial}", self.vault.0.settings.process))
    }

    /// How the next claim treats the open attempt of this row. `asked` is when the row was requested.
    fn open_attempt(&self, watch: &mut AttemptWatch, row: &Row, asked: Duration) -> OpenAttempt {
        let vault = &self.vault.0;
        match &row.attempt {
            Some(attempt) if self.is_ours(attempt) => OpenAttempt::TakeOver(attempt.clone()),
            Some(attempt) if watch.see(attempt, asked, vault.clock.boot_time()) >= vault.settings.lease() => {
                OpenAttempt::TakeOver(attempt.clone())
            }
            Some(_) | None => OpenAttempt::Respect,
        }
    }

    async fn claim(&self, owner: &Owner, attempt: &OpenAttempt) -> Result<Claim, VaultError> {
        let now = self.vault.0.clock.now();
        let latest_end = now.saturating_add(self.vault.0.settings.lease().try_into().unwrap_or(time::Duration::MAX));
        let lease = Lease { owner: owner.clone(), until: latest_end };
        let claim = self.vault.0.store.claim(&self.key, &lease, LeaseWindow { now, latest_end }, attempt);
        self.vault.call_store(claim).await
    }

    /// Releases a lease that an earlier job of this process left behind because its release failed.
    async fn release_leftover(&self, row: &Row) -> Result<(), VaultError> {
        match &row.lease {
            Some(lease) if self.is_ours(&lease.owner) => {
                self.vault.call_store(self.vault.0.store.release(&self.key, &lease.owner)).await
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl HeldLease {
    /// Whether a row that has changed since it was read under the lease still has the same version and state. Then only
    /// the lease was lost.
    pub(crate) fn lost_only_lease(&self, row: &Row) -> bool {
        (&row.version, row.state) == (&self.row.version, self.row.state)
    }

    /// The row as it was read, still under this lease.
    fn as_read(&self) -> Expected {
        let Row { version, state, attempt, .. } = (*self.row).clone();
        Expected { version, state, attempt, lease: Some(self.owner.clone()) }
    }

    /// The row while this process's attempt is open. The lease is not compared, so that the result of an exchange is
    /// saved however late it is.
    pub(super) fn expect_attempt(&self) -> Expected {
        Expected { attempt: Some(self.owner.clone()), lease: None, ..self.as_read() }
    }

    /// A change of the open attempt alone. Everything else stays as it was read.
    pub(crate) fn change_from(&self, attempt: Option<&Owner>) -> Change {
        let Row { version, state, due, .. } = &*self.row;
        let generation = version.generation;
        Change { generation, state: *state, due: *due, attempt: attempt.cloned(), sealed: None }
    }
}

impl AttemptWatch {
    /// Notes that a response shows this attempt. Returns how long it has been seen without a change or a gap.
    fn see(&mut self, attempt: &Owner, asked: Duration, answered: Duration) -> Duration {
        let before = self.0.take().filter(|seen| seen.attempt == *attempt && asked <= seen.asked + WATCH_GAP);
        let since = before.map_or(answered, |seen| seen.since);
        self.0 = Some(SeenAttempt { attempt: attempt.clone(), since, asked });
        asked.saturating_sub(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner(name.to_owned())
    }

    /// Sees the attempt once a second in this range. Returns how long it was seen.
    fn see(watch: &mut AttemptWatch, attempt: &str, seconds: std::ops::Range<u64>) -> Duration {
        let times = seconds.map(Duration::from_secs);
        times.fold(Duration::ZERO, |_, at| watch.see(&owner(attempt), at, at))
    }

    #[test]
    fn an_attempt_is_seen_from_the_first_answer_to_the_last_question() {
        let mut watch = AttemptWatch::default();
        let second = Duration::from_secs(1);
        assert_eq!(watch.see(&owner("a"), second, 3 * second), Duration::ZERO);
        assert_eq!(watch.see(&owner("a"), 4 * second, 6 * second), second);
        assert_eq!(see(&mut watch, "a", 5..34), 30 * second);
    }

    #[test]
    fn another_attempt_or_a_gap_restarts_the_watch() {
        let mut watch = AttemptWatch::default();
        assert_eq!(see(&mut watch, "a", 0..30), Duration::from_secs(29));
        assert_eq!(see(&mut watch, "b", 30..31), Duration::ZERO);
        assert_eq!(see(&mut watch, "b", 31..60), Duration::from_secs(29));
        assert_eq!(see(&mut watch, "b", 66..67), Duration::ZERO, "a suspended process has not watched");
    }
}
