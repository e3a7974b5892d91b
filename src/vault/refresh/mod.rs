//! The refresh: take the lease, read the record again, write ahead, exchange, save (docs/vault.md, rules 3 to 8).

pub(crate) mod cache;
pub(crate) mod cached_record;
mod exchange;
pub(crate) mod in_flight;
pub(crate) mod lease;
mod log;
mod outcome;
pub(crate) mod reason;
mod restore;
mod revalidate;
mod save;
pub(crate) mod single_flight;
pub(crate) mod task;
mod transition;

use crate::{
    store::{RowKey, records::Row},
    vault::{
        Vault,
        error::VaultError,
        refresh::{
            cache::JobKind,
            cached_record::CachedRecord,
            lease::{HeldLease, LEASE_TRIES, LeaseOutcome, TakenLease},
            reason::RefreshReason,
            single_flight::{Job, JobOutcome},
            task::JobResult,
        },
    },
};

impl Vault {
    /// Refreshes the record, or waits for the write job in flight and returns its result.
    pub(super) async fn refresh_shared(&self, key: &RowKey, reason: RefreshReason) -> JobOutcome {
        self.run_shared(key, JobKind::Write, |job| async move { job.refresh(&reason).await }).await
    }

    /// Waits for the write job in flight, if there is one, and then refreshes the record.
    pub(super) async fn refresh_alone(&self, key: &RowKey, reason: RefreshReason) -> JobResult {
        self.run_alone(key, |job| async move { job.refresh(&reason).await }).await
    }
}

impl Job {
    /// Refreshes the record, if that is still wanted once the lease is held.
    async fn refresh(&self, reason: &RefreshReason) -> JobResult {
        let unneeded = |row: &Row, asked| match self.cache_row(row, asked) {
            Ok(Some(cached)) if self.is_wanted(reason, row, &cached) => None,
            result => Some(result),
        };
        for _ in 0..LEASE_TRIES {
            let held = match self.take_lease(unneeded).await? {
                TakenLease::Held(held) => held,
                TakenLease::Unneeded(cached) => return Ok(cached),
            };
            let result = match self.refresh_under(&held, reason).await {
                Ok(LeaseOutcome::LeaseLost) => None,
                Ok(LeaseOutcome::Done(cached)) => Some(Ok(cached)),
                Err(error) => Some(Err(error)),
            };
            // The waiters get the result before the lease is released.
            result.iter().cloned().for_each(|result| self.publish(result));
            self.release_with_retries(&held).await;
            if let Some(result) = result {
                return result;
            }
        }
        Err(VaultError::Busy)
    }

    async fn refresh_under(&self, held: &HeldLease, reason: &RefreshReason) -> Result<LeaseOutcome, VaultError> {
        match self.cache_row(&held.row, held.asked)? {
            Some(cached) if self.is_wanted(reason, &held.row, &cached) => {
                self.exchange(held, cached, reason.trigger()).await
            }
            cached => Ok(LeaseOutcome::Done(cached)),
        }
    }

    fn is_wanted(&self, reason: &RefreshReason, row: &Row, cached: &CachedRecord) -> bool {
        let vault = &self.vault.0;
        let now = vault.clock.now();
        // Otherwise two processes whose clocks are far apart would keep correcting each other's times.
        if reason.can_wait()
            && cached.has_impossible_times(&vault.settings, now)
            && vault.cache.was_sent_recently(&self.key, vault.clock.boot_time())
        {
            return false;
        }
        reason.applies(row.due, cached, &vault.settings, now) && reason.permits(cached, &vault.settings, now)
    }
}
