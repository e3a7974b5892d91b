//! The keeper refreshes what is due before anyone asks, and encrypts again what an old secret encrypted (docs/vault.md,
//! rule 10).

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use time::{OffsetDateTime, PrimitiveDateTime};
use tokio::task::{JoinError, JoinSet};

use crate::{
    keys::Purpose,
    store::{
        RowKey,
        records::{Change, Page, Row, Sealed, State},
    },
    vault::{
        Vault,
        error::VaultError,
        record::{Record, RecordError, tombstone::Tombstone},
        refresh::{
            lease::{HeldLease, TakenLease},
            reason::RefreshReason,
            single_flight::Job,
            task::JobResult,
        },
    },
};

/// The longest time between two reads of what is due, and between two revalidations of the cache.
const TICK: Duration = Duration::from_secs(10);
/// How often it searches for records that an old secret encrypted, and for impossible due times.
const SEARCH_INTERVAL: Duration = Duration::from_secs(60);
/// A wrong clock may have written a due time that is further ahead than this.
const FAR_AHEAD: time::Duration = time::Duration::DAY;
const PAGE: u32 = 100;
/// How many refreshes, and how many revalidations, run at once.
const CONCURRENCY: usize = 16;
/// The keeper counts as stalled after this time. It is active at each tick and after each record, and one record takes
/// less time than this.
const STALLED_AFTER: Duration = Duration::from_secs(150);

/// When the keeper was last active: milliseconds of the monotonic clock, plus one. 0 means never.
#[derive(Debug, Default)]
pub(super) struct LastActive(AtomicU64);

enum StoreHealth {
    Reachable,
    Unreachable,
}

/// The last record of a page of due records.
type Cursor = (OffsetDateTime, RowKey);

/// The refreshes in flight. The keeper does not wait for them, so one that waits for another process delays no other.
#[derive(Default)]
struct Refreshes {
    tasks: JoinSet<RowKey>,
    keys: HashSet<RowKey>,
}

impl Refreshes {
    async fn start(&mut self, vault: &Vault, key: RowKey) {
        while let Some(finished) = self.tasks.try_join_next() {
            self.remove(finished);
        }
        while self.tasks.len() >= CONCURRENCY
            && let Some(finished) = self.tasks.join_next().await
        {
            self.remove(finished);
            vault.mark_keeper_active();
        }
        if self.keys.insert(key.clone()) {
            let vault = vault.clone();
            self.tasks.spawn(async move {
                vault.refresh_if_due(&key).await;
                key
            });
        }
    }

    fn remove(&mut self, finished: Result<RowKey, JoinError>) {
        match finished {
            Ok(key) => {
                self.keys.remove(&key);
            }
            // The key of a task that panicked is unknown. Starting a refresh twice does no harm.
            Err(_) => self.keys.clear(),
        }
    }
}

impl Vault {
    /// Runs the keeper until `stop` completes. If the store does not respond, it is asked again at the next tick.
    pub async fn run_keeper(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = self.run_tasks() => {}
        }
    }

    pub(super) fn is_keeper_active(&self) -> bool {
        match self.0.keeper_active.0.load(Ordering::Relaxed) {
            0 => false,
            last => self.0.clock.monotonic() < Duration::from_millis(last) + STALLED_AFTER,
        }
    }

    /// How long ago the keeper was last active, or since the start if it never was.
    pub(super) fn keeper_idle_time(&self) -> Duration {
        let last = Duration::from_millis(self.0.keeper_active.0.load(Ordering::Relaxed).saturating_sub(1));
        self.0.clock.monotonic().saturating_sub(last)
    }

    fn mark_keeper_active(&self) {
        let now = u64::try_from(self.0.clock.monotonic().as_millis()).unwrap_or(u64::MAX - 1);
        self.0.keeper_active.0.store(now + 1, Ordering::Relaxed);
    }

    async fn run_tasks(&self) {
        tokio::join!(self.run_refreshes(), self.run_revalidation());
    }

    /// A record is due at this time: the keeper does not sleep past it.
    pub(super) fn wake_keeper_by(&self, due: Option<OffsetDateTime>) {
        if due.is_some_and(|due| due < self.0.clock.now() + TICK) {
            self.0.keeper_wake.notify_one();
        }
    }

    async fn run_refreshes(&self) {
        let mut refreshes = Refreshes::default();
        let mut undecryptable = HashSet::new();
        let mut next_search = Duration::ZERO;
        loop {
            self.mark_keeper_active();
            let next = self.refresh_due(&mut refreshes).await;
            if self.0.clock.boot_time() >= next_search {
                next_search = self.0.clock.boot_time() + SEARCH_INTERVAL;
                self.reencrypt(&mut undecryptable).await;
                self.refresh_with_impossible_times(&mut refreshes).await;
            }
            self.refresh_cached_with_impossible_times(&mut refreshes).await;
            // If this fails, the next tick tries again.
            let _ = self.call_store(self.0.store.checkpoint()).await;
            self.0.clock.timeout(next.unwrap_or(TICK), self.0.keeper_wake.notified()).await;
        }
    }

    async fn run_revalidation(&self) {
        loop {
            self.0.clock.sleep(TICK).await;
            self.revalidate_cache().await;
        }
    }

    /// Revalidates what is cached, so that a record forgotten elsewhere leaves the cache.
    async fn revalidate_cache(&self) {
        let mut revalidations = JoinSet::new();
        let mut keys = self.0.cache.keys().into_iter();
        loop {
            while revalidations.len() < CONCURRENCY
                && let Some(key) = keys.next()
            {
                let vault = self.clone();
                revalidations.spawn(async move { vault.revalidate_one(&key).await });
            }
            let Some(store) = revalidations.join_next().await else { return };
            if matches!(store, Ok(StoreHealth::Unreachable)) {
                return self.0.cache.mark_all_unreachable(self.0.clock.boot_time());
            }
        }
    }

    async fn revalidate_one(&self, key: &RowKey) -> StoreHealth {
        match self.revalidate(key).await {
            Err(VaultError::StoreUnavailable) => StoreHealth::Unreachable,
            _ if self.0.cache.is_unreachable(key) => StoreHealth::Unreachable,
            _ => StoreHealth::Reachable,
        }
    }

    /// Starts to refresh every record that is due. Returns the time until the next one is due, at most [`TICK`], or
    /// `None` if the store did not respond.
    async fn refresh_due(&self, refreshes: &mut Refreshes) -> Option<Duration> {
        let now = self.0.clock.now();
        let mut cursor: Option<Cursor> = None;
        loop {
            let page = self.call_store(self.0.store.due(now + TICK, cursor.as_ref(), PAGE)).await.ok()?;
            let last = page.len() < PAGE as usize;
            cursor = page.last().cloned();
            for (due, key) in page {
                if due > now {
                    return Some(Duration::try_from(due - now).unwrap_or_default());
                }
                refreshes.start(self, key).await;
            }
            if last {
                return Some(TICK);
            }
        }
    }

    /// Refreshes what is cached and was dated by a wrong clock. Its due time may be wrong too.
    async fn refresh_cached_with_impossible_times(&self, refreshes: &mut Refreshes) {
        for key in self.0.cache.keys() {
            let (settings, now) = (&self.0.settings, self.0.clock.now());
            if self.0.cache.get(&key).is_some_and(|cached| cached.has_impossible_times(settings, now)) {
                refreshes.start(self, key).await;
            }
        }
    }

    /// Refreshes the records whose due time is far ahead and whose dates are impossible: a wrong clock wrote them.
    async fn refresh_with_impossible_times(&self, refreshes: &mut Refreshes) {
        let end_of_time = PrimitiveDateTime::MAX.assume_utc();
        let mut cursor = (self.0.clock.now() + FAR_AHEAD, RowKey(String::new()));
        loop {
            let Ok(page) = self.call_store(self.0.store.due(end_of_time, Some(&cursor), PAGE)).await else { return };
            let last = page.len() < PAGE as usize;
            for (due, key) in page {
                self.mark_keeper_active();
                let (settings, now) = (&self.0.settings, self.0.clock.now());
                if self.up_to_date(&key).await.is_ok_and(|cached| cached.has_impossible_times(settings, now)) {
                    refreshes.start(self, key.clone()).await;
                }
                cursor = (due, key);
            }
            if last {
                return;
            }
        }
    }

    async fn refresh_if_due(&self, key: &RowKey) {
        // Revalidates first, so as not to take the lease of a record that may not be refreshed.
        let Ok(cached) = self.up_to_date(key).await else { return };
        if RefreshReason::Scheduled.permits(&cached, &self.0.settings, self.0.clock.now()) {
            self.refresh_shared(key, RefreshReason::Scheduled).await;
        }
    }

    /// Encrypts with the current secret what an old one encrypted. Skips what cannot be decrypted.
    async fn reencrypt(&self, undecryptable: &mut HashSet<RowKey>) {
        let current = self.0.keys.key_id(Purpose::Record);
        let mut after = None;
        loop {
            let page = Page { after: after.as_ref(), limit: PAGE };
            let Ok(keys) = self.call_store(self.0.store.sealed_by_other_keys(&current, page)).await else { return };
            let last = keys.len() < PAGE as usize;
            for key in keys.iter().filter(|key| !undecryptable.contains(key)).cloned().collect::<Vec<_>>() {
                self.mark_keeper_active();
                let result = self.run_alone(&key, |job| async move { job.reencrypt().await }).await;
                if matches!(result, Err(VaultError::Undecryptable(_))) {
                    undecryptable.insert(key);
                }
            }
            after = keys.into_iter().next_back();
            if last {
                return;
            }
        }
    }
}

impl Job {
    async fn reencrypt(&self) -> JobResult {
        // The holder of the lease probably writes a new blob. If not, the next search finds this one again.
        let held = match self.take_lease(|row, asked| Some(self.cache_row(row, asked))).await? {
            TakenLease::Held(held) => held,
            TakenLease::Unneeded(cached) => return Ok(cached),
        };
        let result = self.reencrypt_under(&held).await;
        let _ = self.release(&held).await;
        result
    }

    async fn reencrypt_under(&self, held: &HeldLease) -> JobResult {
        if held.row.attempt.is_none() {
            let sealed = Some(self.reencrypted(&held.row)?);
            self.swap_under(held, &Change { sealed, ..held.change_from(None) }).await?;
        }
        self.cache_row(&held.row, held.asked)
    }

    fn reencrypted(&self, row: &Row) -> Result<Sealed, RecordError> {
        let keys = &self.vault.0.keys;
        match row.state {
            State::Tombstone => Ok(self.vault.seal_tombstone(&self.key, &row.version, &Tombstone::of_row(keys, row)?)),
            State::Live | State::Dead | State::Blocked | State::Revoking | State::Pending => {
                Ok(self.vault.seal(&self.key, &Record::of_row(keys, row)?))
            }
        }
    }
}
