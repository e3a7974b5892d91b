//! Saves the outcome of an exchange, or closes an attempt, and retries until the store responds (docs/vault.md, rules 5
//! to 7).

use std::{sync::Arc, time::Duration};

use crate::{
    store::records::{Cas, Change, Expected, Row},
    vault::{
        error::VaultError,
        refresh::{
            cache::Unstored, cached_record::CachedRecord, lease::HeldLease, log::RefreshLine, single_flight::Job,
            task::JobResult,
        },
    },
};

/// The pause before a save or close is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

impl Job {
    /// Saves the outcome of an attempt. If the store does not respond, only this process has the outcome: it caches it,
    /// gives it to the waiters, and retries until the store responds.
    pub(super) async fn save(&self, expected: &Expected, cached: Arc<CachedRecord>, line: RefreshLine) -> JobResult {
        let mut unlogged = Some(&line);
        let cache = &self.vault.0.cache;
        let is_new_set = cached.record.generation > expected.version.generation;
        let unstored = if is_new_set { Unstored::TokenSet } else { Unstored::Note };
        let result = loop {
            let asked = self.vault.0.clock.boot_time();
            match self.try_save(expected, &cached, asked).await {
                Err(VaultError::StoreUnavailable) => {
                    cache.insert_unstored(&self.key, Arc::clone(&cached), unstored, asked);
                    self.publish(Ok(Some(Arc::clone(&cached))));
                    // The line is logged now and not once the outcome is saved, since the outage may be long.
                    unlogged.take().into_iter().for_each(RefreshLine::log);
                    self.vault.0.clock.sleep(RETRY_INTERVAL).await;
                }
                result => break result,
            }
        };
        cache.mark_saved(&self.key);
        match &result {
            Ok(Some(stored)) if stored.record.version() == cached.record.version() => {
                unlogged.into_iter().for_each(RefreshLine::log);
            }
            Ok(_) | Err(_) => line.log_superseded(),
        }
        result
    }

    async fn try_save(&self, expected: &Expected, cached: &Arc<CachedRecord>, asked: Duration) -> JobResult {
        let cache = &self.vault.0.cache;
        let change = Change {
            generation: cached.record.generation,
            state: cached.state,
            due: cached.record.due(cached.state).filter(|_| cached.is_keep_mode()),
            attempt: None,
            sealed: Some(self.vault.seal(&self.key, &cached.record)),
        };
        match self.vault.call_store(self.vault.0.store.swap(&self.key, expected, &change)).await? {
            Cas::Applied => {
                cache.mark_saved(&self.key);
                cache.insert_if_newer(&self.key, Arc::clone(cached), asked);
                self.vault.wake_keeper_by(change.due);
                Ok(Some(Arc::clone(cached)))
            }
            Cas::Conflict(row) => self.resolve_conflict(&row, cached, asked).await,
            Cas::NoRow if cached.is_keep_mode() => self.restore(cached).await,
            Cas::NoRow => {
                cache.mark_saved(&self.key);
                cache.remove(&self.key, asked);
                Ok(None)
            }
        }
    }

    /// Handles a row that is not as this attempt left it. If the store lost a write, the record is written back.
    /// Otherwise the stored row wins. It comes from an earlier save whose response was lost, a login, a revocation, or
    /// a process that took over the attempt.
    async fn resolve_conflict(&self, row: &Row, cached: &Arc<CachedRecord>, asked: Duration) -> JobResult {
        if cached.is_lost(Some(&row.head())) {
            return self.restore(cached).await;
        }
        self.vault.0.cache.mark_saved(&self.key);
        self.cache_row(row, asked)
    }

    /// Closes an attempt whose token was not sent. This is necessary even if the store did not respond to the
    /// write-ahead, which may have been applied or may still be. The waiters get the error first.
    pub(super) async fn close_unsent(&self, held: &HeldLease, error: VaultError) -> VaultError {
        self.publish(Err(error.clone()));
        let (expected, change) = (held.expect_attempt(), held.change_from(None));
        while self.vault.call_store(self.vault.0.store.swap(&self.key, &expected, &change)).await.is_err() {
            self.vault.0.clock.sleep(RETRY_INTERVAL).await;
        }
        error
    }
}
