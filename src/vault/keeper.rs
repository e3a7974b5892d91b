//! The keeper: refreshes what is due before anybody asks, and seals anew what an old secret sealed (rule 10).

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::{
    keys::Purpose,
    store::{
        RowKey,
        records::{Change, Page, Row, Sealed, State},
    },
};

use super::{
    Grave, Record, RecordError, Vault,
    flight::{Flight, Landing, Setback},
    lease::Hold,
    refresh::Why,
    settings::STORE_TIMEOUT,
};

/// How often it asks what is due.
const TICK: Duration = Duration::from_secs(10);
/// How many ticks lie between two searches for blobs of an old secret.
const RESEAL_EVERY: u64 = 6;
const PAGE: u32 = 100;
/// How many exchanges it has under way at most.
const AT_ONCE: usize = 16;
/// It shows a sign of life at each tick and after each record; one record takes less than this.
const SILENT: Duration = Duration::from_secs(150);

/// When the keeper last showed that it lives: milliseconds of the monotonic clock, plus one; 0 is never.
#[derive(Debug, Default)]
pub(super) struct Heartbeat(AtomicU64);

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
        let mut unreadable = HashSet::new();
        for tick in 0.. {
            self.beat();
            if self.refresh_due().await.is_none() {
                tracing::warn!("the keeper could not ask the store what is due");
            }
            if tick % RESEAL_EVERY == 0 {
                self.seal_anew(&mut unreadable).await;
            }
            // If this fails, the next tick does it.
            let _ = self.asked(self.0.store.tidy()).await;
            self.0.clock.sleep(TICK).await;
        }
    }

    fn beat(&self) {
        let now = u64::try_from(self.0.clock.monotonic().as_millis()).unwrap_or(u64::MAX - 1);
        self.0.heartbeat.0.store(now + 1, Ordering::Relaxed);
    }

    /// Refreshes every record that is due; nothing if the store did not say which.
    async fn refresh_due(&self) -> Option<()> {
        let now = self.0.clock.now();
        let mut cursor: Option<Cursor> = None;
        let mut flights = JoinSet::new();
        loop {
            let page = self.asked(self.0.store.due(now, cursor.as_ref(), PAGE)).await?;
            let last = page.len() < PAGE as usize;
            cursor = page.last().cloned();
            for (_, key) in page {
                if flights.len() >= AT_ONCE {
                    flights.join_next().await;
                    self.beat();
                }
                let vault = self.clone();
                flights.spawn(async move { vault.refresh_if_due(&key).await });
            }
            if last {
                break;
            }
        }
        while flights.join_next().await.is_some() {
            self.beat();
        }
        Some(())
    }

    async fn refresh_if_due(&self, key: &RowKey) {
        // A small read first: a record that may not be sent is left without taking its lease.
        let now = self.0.clock.now();
        let may_be_sent =
            self.current(key).await.is_ok_and(|known| known.may_be_sent(&Why::Due, &self.0.settings, now));
        if may_be_sent {
            self.try_refresh(key, Why::Due).await;
        }
    }

    /// Seals by the current secret what another one sealed. What cannot be opened is left, and not looked at again.
    async fn seal_anew(&self, unreadable: &mut HashSet<RowKey>) {
        let current = self.0.keys.key_id(Purpose::Record);
        let mut after = None;
        loop {
            let page = Page { after: after.as_ref(), limit: PAGE };
            let Some(keys) = self.asked(self.0.store.sealed_by_others(&current, page)).await else { return };
            let last = keys.len() < PAGE as usize;
            for key in keys.iter().filter(|key| !unreadable.contains(key)).cloned().collect::<Vec<_>>() {
                self.beat();
                let sealing = self.fly_alone(&key, |flight| async move { flight.seal_anew().await });
                if sealing.await.is_err_and(|setback| setback == Setback::Unreadable) {
                    unreadable.insert(key);
                }
            }
            after = keys.into_iter().next_back();
            if last {
                return;
            }
        }
    }

    async fn asked<T>(&self, step: impl Future<Output = Result<T, crate::store::StoreError>>) -> Option<T> {
        self.0.clock.timeout(STORE_TIMEOUT, step).await?.ok()
    }
}

impl Flight {
    async fn seal_anew(&self) -> Landing {
        // Whoever holds the lease is likely to write a new blob; the next round sees.
        let hold = match self.take_lease(|row, asked| Some(self.adopt(row, asked))).await {
            Ok(hold) => hold,
            Err(landing) => return landing,
        };
        let landing = self.seal_anew_under(&hold).await;
        self.release(&hold).await;
        landing
    }

    async fn seal_anew_under(&self, hold: &Hold) -> Landing {
        if hold.row.attempt.is_none() {
            let sealed = self.sealed_anew(&hold.row)?;
            let change = Change { sealed: Some(sealed), ..hold.reopened(None) };
            self.swap_under(hold, &change).await?;
        }
        self.adopt(&hold.row, hold.asked)
    }

    fn sealed_anew(&self, row: &Row) -> Result<Sealed, RecordError> {
        let keys = &self.vault.0.keys;
        match row.state {
            State::Tombstone => Ok(Grave::of_row(keys, row)?.sealed(keys, &self.key, &row.version)),
            _ => Ok(Record::of_row(keys, row)?.sealed(keys, &self.key)),
        }
    }
}
