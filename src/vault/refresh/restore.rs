//! Caches rows, and writes back what the store lost (docs/vault.md, rule 6).

use std::{sync::Arc, time::Duration};

use crate::{
    store::records::{Cas, Row, State},
    vault::{
        error::VaultError,
        record::Record,
        refresh::{cached_record::CachedRecord, single_flight::Job, task::JobResult},
    },
};

impl Job {
    /// Decrypts and caches a row that the store returned to a request made at `asked`. Returns `None`, and empties the
    /// cache, if the row must not be handed out.
    pub(crate) fn cache_row(&self, row: &Row, asked: Duration) -> JobResult {
        let cache = &self.vault.0.cache;
        let may_be_handed_out = match row.state {
            State::Live | State::Dead | State::Blocked => true,
            State::Pending => self.key.is_import(),
            State::Revoking | State::Tombstone => false,
        };
        if !may_be_handed_out {
            cache.remove(&self.key, asked);
            return Ok(None);
        }
        let record = Record::of_row(&self.vault.0.keys, row)?;
        let cached = Arc::new(CachedRecord::new(record, row.state, row.limits));
        cache.insert_if_newer(&self.key, Arc::clone(&cached), asked);
        Ok(Some(cached))
    }

    /// Writes back a keep-mode record that the store lost. If the store has another row instead, that row wins.
    pub(super) async fn restore(&self, cached: &Arc<CachedRecord>) -> JobResult {
        let asked = self.vault.0.clock.boot_time();
        let row = self.vault.new_row(&self.key, &cached.record, cached.state, cached.limits);
        match self.vault.call_store(self.vault.0.store.restore(&row)).await? {
            Cas::Applied => {
                tracing::error!(generation = row.version.generation, "the store had lost a record; it is written back");
                self.vault.0.cache.insert_if_newer(&self.key, Arc::clone(cached), asked);
                Ok(Some(Arc::clone(cached)))
            }
            Cas::Conflict(row) => self.cache_row(&row, asked),
            Cas::NoRow => Ok(None),
        }
    }

    /// Handles a missing row: writes the cached record back if the store lost it, and drops it from the cache
    /// otherwise.
    pub(super) async fn restore_missing(&self, asked: Duration) -> Result<Restored, VaultError> {
        let cached = self.vault.0.cache.get(&self.key).filter(|cached| cached.is_keep_mode());
        if let Some(cached) = cached.filter(|_| self.may_restore())
            && self.restore(&cached).await?.is_some()
        {
            return Ok(Restored::Yes);
        }
        self.vault.0.cache.remove(&self.key, asked);
        Ok(Restored::No)
    }

    pub(super) fn may_restore(&self) -> bool {
        self.vault.0.cache.may_restore(&self.key, self.vault.0.clock.boot_time())
    }
}

pub(super) enum Restored {
    Yes,
    No,
}
