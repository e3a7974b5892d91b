//! The lease (docs/vault.md, rule 3), and the watch over an open attempt of another process (docs/vault.md, rule 8).

use std::time::Duration;

use crate::{
    store::records::{Cas, Change, Claim, Expected, Lease, LeaseSpan, OpenAttempt, Owner, Row},
    vault::{
        Vault,
        error::VaultError,
        refresh::single_flight::{Job, JobResult},
    },
};

const POLL: Duration = Duration::from_millis(250);
/// Two looks at an attempt that are further apart leave room for an outage of the store between them.
const LOOK_GAP: Duration = Duration::from_secs(5);
/// How long a wait for another process is not worth a word.
const BRIEF: Duration = Duration::from_secs(1);

/// How often a lease is taken again that a process with another clock took away.
pub(crate) const LEASE_TRIES: usize = 4;

/// A lease of this process, and the row as it stands under it. An attempt that is open in it is taken over.
#[derive(Debug)]
pub(crate) struct HeldLease {
    pub(crate) owner: Owner,
    /// When it ends, counted from before it was asked for, by the boot-time clock.
    pub(crate) ends: Duration,
    /// When this process asked.
    pub(crate) asked: Duration,
    pub(crate) row: Row,
}

/// For how long this process has seen an attempt unchanged, by its own boot-time clock. A store that does not answer
/// ends the claim that watches, and the next one starts from nothing.
#[derive(Debug, Default)]
struct Watch(Option<Watched>);

#[derive(Debug)]
struct Watched {
    attempt: Owner,
    /// When the first answer that showed it was here.
    since: Duration,
    /// When the last answer that showed it was asked for.
    asked: Duration,
}

impl Vault {
    /// Completes once this process has waited for another one that works on the same record.
    pub async fn waits_for_another(&self) {
        self.0.waiting.wait().await;
    }
}

impl Job {
    /// Takes the lease, waiting for others who hold it or have an attempt open; while they do, `needless` looks at
    /// the row, and a landing from it ends the waiting.
    pub(crate) async fn take_lease(
        &self,
        needless: impl Fn(&Row, Duration) -> Option<JobResult>,
    ) -> Result<HeldLease, JobResult> {
        let owner = self.new_owner();
        let clock = &self.vault.0.clock;
        let began = clock.boot_time();
        let (mut watch, mut attempt) = (Watch::default(), OpenAttempt::Respect);
        loop {
            if self.vault.is_closing() {
                return Err(Err(VaultError::Stopping));
            }
            let asked = clock.boot_time();
            match self.claim(&owner, &attempt).await {
                Err(setback) => {
                    // The claim may still arrive. Nobody would wait for it if this does too.
                    let _ = self.vault.call_store(self.vault.0.store.release(&self.key, &owner)).await;
                    return Err(Err(setback));
                }
                Ok(Claim::Claimed(row)) => return Ok(self.held(owner, asked, *row)),
                Ok(Claim::NoRow) => self.put_back_or_forget(asked).await.map_err(Err)?,
                Ok(Claim::Held(row)) => {
                    if let Some(result) = needless(&row, asked) {
                        return Err(result);
                    }
                    self.drop_what_was_left_behind(&row).await.map_err(Err)?;
                    attempt = self.open_attempt(&mut watch, &row, asked);
                }
            }
            let waited = clock.boot_time().saturating_sub(began);
            if waited > BRIEF {
                // Told once; whoever listens needs no more.
                let _ = self.vault.0.waiting.set(());
            }
            if waited > self.vault.0.settings.lease_patience() {
                return Err(Err(VaultError::Busy));
            }
            clock.sleep(POLL).await;
        }
    }

    pub(crate) async fn release(&self, held: &HeldLease) {
        // Without an answer it runs out by itself.
        let _ = self.vault.call_store(self.vault.0.store.release(&self.key, &held.owner)).await;
    }

    /// Changes the row as it stands under the lease.
    pub(crate) async fn swap_under(&self, held: &HeldLease, change: &Change) -> Result<Cas, VaultError> {
        self.vault.call_store(self.vault.0.store.swap(&self.key, &held.as_read(), change)).await
    }

    /// What the next claim does about the attempt that this row, asked for at that time, has open.
    fn open_attempt(&self, watch: &mut Watch, row: &Row, asked: Duration) -> OpenAttempt {
        let vault = &self.vault.0;
        match &row.attempt {
            // No task of this process works on it.
            Some(attempt) if self.is_ours(attempt) => OpenAttempt::TakeOver(attempt.clone()),
            Some(attempt) if watch.see(attempt, asked, vault.clock.boot_time()) >= vault.settings.lease() => {
                OpenAttempt::TakeOver(attempt.clone())
            }
            Some(_) | None => OpenAttempt::Respect,
        }
    }

    async fn claim(&self, owner: &Owner, attempt: &OpenAttempt) -> Result<Claim, VaultError> {
        let now = self.vault.0.clock.now();
        let horizon = now.saturating_add(self.vault.0.settings.lease().try_into().unwrap_or(time::Duration::MAX));
        let lease = Lease { owner: owner.clone(), until: horizon };
        self.vault.call_store(self.vault.0.store.claim(&self.key, &lease, LeaseSpan { now, horizon }, attempt)).await
    }

    fn held(&self, owner: Owner, asked: Duration, row: Row) -> HeldLease {
        HeldLease { owner, ends: asked + self.vault.0.settings.lease(), asked, row }
    }

    async fn put_back_or_forget(&self, asked: Duration) -> Result<(), VaultError> {
        let cached = self.vault.0.memory.cached(&self.key).filter(|cached| cached.is_kept());
        if let Some(cached) = cached.filter(|_| self.may_put_back()) {
            return self.restore(&cached).await.map(|_| ());
        }
        self.vault.0.memory.forget(&self.key, asked);
        Err(VaultError::NotConnected)
    }

    /// A lease of this process that no task of it holds: its release was lost.
    async fn drop_what_was_left_behind(&self, row: &Row) -> Result<(), VaultError> {
        match &row.lease {
            Some(lease) if self.is_ours(&lease.owner) => {
                self.vault.call_store(self.vault.0.store.release(&self.key, &lease.owner)).await
            }
            _ => Ok(()),
        }
    }
}

/// Whether work under a lease came to nothing because another process took the lease.
pub(crate) fn is_lease_lost(result: &JobResult) -> bool {
    matches!(result, Err(VaultError::Busy))
}

impl HeldLease {
    /// Whether a row that is not as it was read under the lease still holds the same token set in the same state: then
    /// somebody else, whose clock differs, took the lease, and has not finished.
    pub(crate) fn has_lost_only_the_lease(&self, row: &Row) -> bool {
        (&row.version, row.state) == (&self.row.version, self.row.state)
    }

    /// The row as it was read, still under this lease.
    fn as_read(&self) -> Expected {
        let Row { version, state, attempt, .. } = self.row.clone();
        Expected { version, state, attempt, lease: Some(self.owner.clone()) }
    }

    /// The row while our attempt is open. The lease is not compared: what an exchange brought is saved however late.
    pub(crate) fn attempted(&self) -> Expected {
        Expected { attempt: Some(self.owner.clone()), lease: None, ..self.as_read() }
    }

    /// The row as it was read, with this attempt open, or none.
    pub(crate) fn reopened(&self, attempt: Option<&Owner>) -> Change {
        let Row { version, state, due, .. } = &self.row;
        let generation = version.generation;
        Change { generation, state: *state, due: *due, attempt: attempt.cloned(), sealed: None }
    }
}

impl Watch {
    /// For how long this attempt has been seen without a change or a gap, now that an answer shows it again.
    fn see(&mut self, attempt: &Owner, asked: Duration, answered: Duration) -> Duration {
        let before = self.0.take().filter(|seen| seen.attempt == *attempt && asked <= seen.asked + LOOK_GAP);
        let since = before.map_or(answered, |seen| seen.since);
        self.0 = Some(Watched { attempt: attempt.clone(), since, asked });
        asked.saturating_sub(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner(name.to_owned())
    }

    /// Looks once a second from this second on, and says for how long the attempt was seen.
    fn look(watch: &mut Watch, attempt: &str, seconds: std::ops::Range<u64>) -> Duration {
        let times = seconds.map(Duration::from_secs);
        times.fold(Duration::ZERO, |_, at| watch.see(&owner(attempt), at, at))
    }

    #[test]
    fn an_attempt_is_seen_from_the_first_answer_to_the_last_question() {
        let mut watch = Watch::default();
        let second = Duration::from_secs(1);
        assert_eq!(watch.see(&owner("a"), second, 3 * second), Duration::ZERO);
        assert_eq!(watch.see(&owner("a"), 4 * second, 6 * second), second);
        assert_eq!(look(&mut watch, "a", 5..34), 30 * second);
    }

    #[test]
    fn another_attempt_or_a_gap_starts_the_watch_anew() {
        let mut watch = Watch::default();
        assert_eq!(look(&mut watch, "a", 0..30), Duration::from_secs(29));
        assert_eq!(look(&mut watch, "b", 30..31), Duration::ZERO);
        assert_eq!(look(&mut watch, "b", 31..60), Duration::from_secs(29));
        assert_eq!(look(&mut watch, "b", 66..67), Duration::ZERO, "a suspended process has not watched");
    }
}
