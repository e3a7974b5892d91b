//! The keeper: refreshes what is due before anyone asks, and encrypts again what an old secret encrypted
//! (docs/vault.md, rule 10).

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
        Record, RecordError, Tombstone, Vault,
        error::VaultError,
        refresh::{
            RefreshReason,
            lease::HeldLease,
            single_flight::{Job, JobResult},
        },
    },
};

/// How often it asks at least what is due, and whether what is cached still holds.
const TICK: Duration = Duration::from_secs(10);
/// How often it looks for blobs of an old secret, and for due times that no clock can have meant.
const SEARCH_EVERY: Duration = Duration::from_secs(60);
/// A due time further ahead than this is looked into.
const FAR: time::Duration = time::Duration::DAY;
const PAGE: u32 = 100;
/// How many exchanges it has under way at most.
const AT_ONCE: usize = 16;
/// It shows a sign of life at each tick and after each record; one record takes less than this.
const SILENT: Duration = Duration::from_secs(150);

/// When the keeper last showed that it lives: milliseconds of the monotonic clock, plus one; 0 is never.
#[derive(Debug, Default)]
pub(super) struct Heartbeat(AtomicU64);

/// Whether the store answered.
enum StoreAnswer {
    Given,
    Silent,
}

/// The refreshes that the keeper has under way. It waits for none of them: one that another process holds up keeps no
/// other from its time.
#[derive(Default)]
struct Refreshes {
    tasks: JoinSet<RowKey>,
    keys: HashSet<RowKey>,
}

impl Refreshes {
    async fn start(&mut self, vault: &Vault, key: RowKey) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.forget(ended);
        }
        while self.tasks.len() >= AT_ONCE
            && let Some(ended) = self.tasks.join_next().await
        {
            self.forget(ended);
            vault.beat();
        }
        if self.keys.insert(key.clone()) {
            let vault = vault.clone();
            self.tasks.spawn(async move {
                vault.refresh_if_due(&key).await;
                key
            });
        }
    }

    fn forget(&mut self, ended: Result<RowKey, JoinError>) {
        match ended {
            Ok(key) => {
                self.keys.remove(&key);
            }
            // Nobody knows whose it was, and to start one twice does no harm.
            Err(_) => self.keys.clear(),
        }
    }
}

/// Where a page of due records ended.
type Cursor = (OffsetDateTime, RowKey);

impl Vault {
    /// Keeps until it is dropped or `stop` is done. A store that does not answer is asked again at the next tick.
    pub async fn keep(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = self.keep_on() => {}
        }
    }

    /// Whether the keeper has shown a sign of life lately.
    #[must_use]
    pub fn keeper_alive(&self) -> bool {
        match self.0.heartbeat.0.load(Ordering::Relaxed) {
            0 => false,
            beat => self.0.clock.monotonic() < Duration::from_millis(beat) + SILENT,
        }
    }

    /// For how long the keeper has shown no sign of life; since the start, if it never did.
    pub(super) fn keeper_silence(&self) -> Duration {
        let beat = Duration::from_millis(self.0.heartbeat.0.load(Ordering::Relaxed).saturating_sub(1));
        self.0.clock.monotonic().saturating_sub(beat)
    }

    async fn keep_on(&self) {
        tokio::join!(self.refresh_on_time(), self.revalidate_on_time());
    }

    /// Something is due at this time: the keeper does not sleep past it.
    pub(super) fn plan(&self, due: Option<OffsetDateTime>) {
        if due.is_some_and(|due| due < self.0.clock.now() + TICK) {
            self.0.replan.notify_one();
        }
    }

    async fn refresh_on_time(&self) {
        let mut refreshes = Refreshes::default();
        let mut unreadable = HashSet::new();
        let mut next_search = Duration::ZERO;
        loop {
            self.beat();
            let next = self.refresh_due(&mut refreshes).await;
            if self.0.clock.boot_time() >= next_search {
                next_search = self.0.clock.boot_time() + SEARCH_EVERY;
                self.seal_anew(&mut unreadable).await;
                self.refresh_misdated(&mut refreshes).await;
            }
            self.refresh_misdated_cached(&mut refreshes).await;
            // If this fails, the next tick does it.
            let _ = self.call_store(self.0.store.tidy()).await;
            self.0.clock.timeout(next.unwrap_or(TICK), self.0.replan.notified()).await;
        }
    }

    async fn revalidate_on_time(&self) {
        loop {
            self.0.clock.sleep(TICK).await;
            self.revalidate().await;
        }
    }

    /// Asks the store whether what is cached still holds, so that what was forgotten elsewhere leaves memory.
    async fn revalidate(&self) {
        let mut looks = JoinSet::new();
        let mut keys = self.0.memory.cached_keys().into_iter();
        loop {
            while looks.len() < AT_ONCE
                && let Some(key) = keys.next()
            {
                let vault = self.clone();
                looks.spawn(async move { vault.revalidate_one(&key).await });
            }
            let Some(store) = looks.join_next().await else { return };
            if matches!(store, Ok(StoreAnswer::Silent)) {
                return self.0.memory.blind_all(self.0.clock.boot_time());
            }
        }
    }

    async fn revalidate_one(&self, key: &RowKey) -> StoreAnswer {
        let looked = self.look(key).await;
        if self.0.memory.is_blind(key) || matches!(looked, Err(VaultError::StoreUnavailable)) {
            return StoreAnswer::Silent;
        }
        StoreAnswer::Given
    }

    fn beat(&self) {
        let now = u64::try_from(self.0.clock.monotonic().as_millis()).unwrap_or(u64::MAX - 1);
        self.0.heartbeat.0.store(now + 1, Ordering::Relaxed);
    }

    /// Starts to refresh every record that is due, and says how long it is to the next one, [`TICK`] at most; nothing
    /// if the store did not say which.
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

    /// Refreshes what is cached and can only have been dated by a clock that was wrong; its due time may be wrong too.
    async fn refresh_misdated_cached(&self, refreshes: &mut Refreshes) {
        for key in self.0.memory.cached_keys() {
            let (settings, now) = (&self.0.settings, self.0.clock.now());
            if self.0.memory.cached(&key).is_some_and(|cached| cached.has_impossible_times(settings, now)) {
                refreshes.start(self, key).await;
            }
        }
    }

    /// Finds the records whose due time is so far ahead that a wrong clock may have written it, and refreshes those
    /// whose own dates say so.
    async fn refresh_misdated(&self, refreshes: &mut Refreshes) {
        let end_of_time = PrimitiveDateTime::MAX.assume_utc();
        let mut cursor = (self.0.clock.now() + FAR, RowKey(String::new()));
        loop {
            let Ok(page) = self.call_store(self.0.store.due(end_of_time, Some(&cursor), PAGE)).await else { return };
            let last = page.len() < PAGE as usize;
            for (due, key) in page {
                self.beat();
                let (settings, now) = (&self.0.settings, self.0.clock.now());
                if self.current(&key).await.is_ok_and(|cached| cached.has_impossible_times(settings, now)) {
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
        // A small read first: a record that may not be sent is left without taking its lease.
        let now = self.0.clock.now();
        let may_be_sent = self
            .current(key)
            .await
            .is_ok_and(|cached| cached.may_be_sent(&RefreshReason::Scheduled, &self.0.settings, now));
        if may_be_sent {
            self.try_refresh(key, RefreshReason::Scheduled).await;
        }
    }

    /// Seals by the current secret what another one sealed. What cannot be opened is left, and not looked at again.
    async fn seal_anew(&self, unreadable: &mut HashSet<RowKey>) {
        let current = self.0.keys.key_id(Purpose::Record);
        let mut after = None;
        loop {
            let page = Page { after: after.as_ref(), limit: PAGE };
            let Ok(keys) = self.call_store(self.0.store.sealed_by_others(&current, page)).await else { return };
            let last = keys.len() < PAGE as usize;
            for key in keys.iter().filter(|key| !unreadable.contains(key)).cloned().collect::<Vec<_>>() {
                self.beat();
                let sealing = self.run_alone(&key, |job| async move { job.seal_anew().await });
                if sealing.await.is_err_and(|error| matches!(error, VaultError::Undecryptable(_))) {
                    unreadable.insert(key);
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
    async fn seal_anew(&self) -> JobResult {
        // Whoever holds the lease is likely to write a new blob; the next round sees.
        let held = match self.take_lease(|row, asked| Some(self.adopt(row, asked))).await {
            Ok(held) => held,
            Err(result) => return result,
        };
        let result = self.seal_anew_under(&held).await;
        self.release(&held).await;
        result
    }

    async fn seal_anew_under(&self, held: &HeldLease) -> JobResult {
        if held.row.attempt.is_none() {
            let sealed = self.sealed_anew(&held.row)?;
            let change = Change { sealed: Some(sealed), ..held.reopened(None) };
            self.swap_under(held, &change).await?;
        }
        self.adopt(&held.row, held.asked)
    }

    fn sealed_anew(&self, row: &Row) -> Result<Sealed, RecordError> {
        let keys = &self.vault.0.keys;
        match row.state {
            State::Tombstone => Ok(Tombstone::of_row(keys, row)?.sealed(keys, &self.key, &row.version)),
            _ => Ok(Record::of_row(keys, row)?.sealed(keys, &self.key)),
        }
    }
}
