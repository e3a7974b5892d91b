//! Saves what an exchange returned, or closes it with a note, until the store has responded (docs/vault.md, rules 5
//! to 7).

use std::{sync::Arc, time::Duration};

use crate::{
    store::records::{Cas, Change, Expected, Row},
    vault::{
        error::VaultError,
        refresh::{
            cache::CachedRecord,
            lease::HeldLease,
            log::RefreshLine,
            single_flight::{Job, JobResult},
        },
        settings::RETRY_INTERVAL,
    },
};

impl Job {
    /// Writes down the outcome of an attempt. While the store does not answer, the waiters already have the result,
    /// memory keeps it, and this goes on: it is the only one that knows.
    pub(crate) async fn write_down(
        &self,
        expected: &Expected,
        cached: Arc<CachedRecord>,
        line: RefreshLine,
    ) -> JobResult {
        let mut unlogged = Some(&line);
        let memory = &self.vault.0.memory;
        let brought = cached.record.generation > expected.version.generation;
        let result = loop {
            let asked = self.vault.0.clock.boot_time();
            match self.try_write_down(expected, &cached, asked).await {
                Err(VaultError::StoreUnavailable) => {
                    memory.keep(&self.key, Arc::clone(&cached), brought, asked);
                    self.publish(Ok(Arc::clone(&cached)));
                    // Not after the saving: the store may be away for long.
                    unlogged.take().into_iter().for_each(RefreshLine::log);
                    self.vault.0.clock.sleep(RETRY_INTERVAL).await;
                }
                result => break result,
            }
        };
        memory.mark_saved(&self.key);
        match &result {
            Ok(kept) if kept.record.version() == cached.record.version() => {
                unlogged.into_iter().for_each(RefreshLine::log);
            }
            Ok(_) | Err(_) => line.log_overtaken(),
        }
        result
    }

    async fn try_write_down(&self, expected: &Expected, cached: &Arc<CachedRecord>, asked: Duration) -> JobResult {
        let change = Change {
            generation: cached.record.generation,
            state: cached.state,
            due: cached.record.due(cached.state).filter(|_| cached.is_kept()),
            attempt: None,
            sealed: Some(cached.record.sealed(&self.vault.0.keys, &self.key)),
        };
        match self.vault.call_store(self.vault.0.store.swap(&self.key, expected, &change)).await? {
            Cas::Applied => {
                self.vault.0.memory.mark_saved(&self.key);
                self.vault.0.memory.insert_if_newer(&self.key, Arc::clone(cached), asked);
                self.vault.plan(change.due);
                Ok(Arc::clone(cached))
            }
            Cas::Conflict(row) => self.overtaken(&row, cached, asked).await,
            Cas::NoRow if cached.is_kept() => self.restore(cached).await,
            Cas::NoRow => {
                self.vault.0.memory.mark_saved(&self.key);
                self.vault.0.memory.forget(&self.key, asked);
                Err(VaultError::NotConnected)
            }
        }
    }

    /// The row is not as this attempt left it. A store that has less than it had gets it back; all else wins: a save
    /// of our own whose answer was lost, a login, a revoke, somebody who took the attempt over.
    async fn overtaken(&self, row: &Row, cached: &Arc<CachedRecord>, asked: Duration) -> JobResult {
        if cached.is_lost_by(Some(&row.head())) {
            return self.restore(cached).await;
        }
        self.vault.0.memory.mark_saved(&self.key);
        self.adopt(row, asked)
    }

    /// Closes an attempt that was never sent, also one whose beginning the store gave no answer to: it may have been
    /// done, or be done late. The waiters do not wait for this.
    pub(crate) async fn close_unsent(&self, held: &HeldLease, error: VaultError) -> JobResult {
        self.publish(Err(error.clone()));
        let closed = held.reopened(None);
        while self.vault.call_store(self.vault.0.store.swap(&self.key, &held.attempted(), &closed)).await.is_err() {
            self.vault.0.clock.sleep(RETRY_INTERVAL).await;
        }
        Err(error)
    }
}
