//! One small read for all callers: is what memory has still current, and has the store lost it (docs/vault.md, rules 1
//! and 6)?

use std::sync::Arc;

use crate::{
    store::{
        RowKey,
        records::{Cas, RowVersion, State},
    },
    vault::{
        Vault,
        error::VaultError,
        refresh::{
            cache::{CachedRecord, Kind},
            single_flight::{Job, JobResult, Joined},
        },
        settings::CACHE_TTL,
    },
};

impl Vault {
    /// The record as the store confirmed it lately, or as memory has it while the store is silent.
    pub(crate) async fn current(&self, key: &RowKey) -> JobResult {
        loop {
            let asked = self.0.clock.boot_time();
            if let Some(cached) = self.0.memory.fresh(key, asked) {
                return Ok(cached);
            }
            let looked = self.look(key).await?;
            // A process that stood still may find an answer that is long out of date. A kept record is in memory
            // now, which knows; a mint record is not.
            if !looked.is_kept() && self.0.clock.boot_time() <= asked + CACHE_TTL {
                return Ok(looked);
            }
        }
    }
}

impl Vault {
    /// Asks the store, or joins whoever asks it.
    pub(crate) async fn look(&self, key: &RowKey) -> JobResult {
        match self.run_shared(key, Kind::Look, |job| async move { job.look().await }).await {
            Joined::Own(result) | Joined::Shared(result) | Joined::Busy(result, _) => result,
        }
    }
}

impl Job {
    async fn look(&self) -> JobResult {
        loop {
            let began = self.vault.0.clock.boot_time();
            let result = self.try_look().await;
            if result.as_ref().err() != Some(&VaultError::StoreUnavailable) {
                return result;
            }
            let now = self.vault.0.clock.boot_time();
            // A silence that this process slept through says nothing about the store.
            if now <= began + CACHE_TTL {
                return self.vault.0.memory.blind(&self.key, now).ok_or(VaultError::StoreUnavailable);
            }
        }
    }

    async fn try_look(&self) -> JobResult {
        let Some(cached) = self.vault.0.memory.cached(&self.key) else { return self.read().await };
        let asked = self.vault.0.clock.boot_time();
        match self.vault.call_store(self.vault.0.store.peek(&self.key)).await? {
            Some(head) if cached.is(&head) => {
                self.vault.0.memory.confirm(&self.key, &cached, asked);
                Ok(cached)
            }
            // Not to be handed out, even if the store says no more than this.
            Some(RowVersion { state: State::Revoking | State::Tombstone, .. }) => {
                self.vault.0.memory.forget(&self.key, asked);
                Err(VaultError::NotConnected)
            }
            head if cached.is_lost_by(head.as_ref()) && self.may_put_back() => self.restore(&cached).await,
            _ => self.read().await,
        }
    }

    async fn read(&self) -> JobResult {
        let asked = self.vault.0.clock.boot_time();
        if let Some(row) = self.vault.call_store(self.vault.0.store.read(&self.key)).await? {
            return self.adopt(&row, asked);
        }
        self.vault.0.memory.forget(&self.key, asked);
        Err(VaultError::NotConnected)
    }

    /// Whether what memory has may be written back now.
    pub(crate) fn may_put_back(&self) -> bool {
        self.vault.0.memory.may_be_put_back(&self.key, self.vault.0.clock.boot_time())
    }

    /// Writes back a kept set that the store has lost; whatever the store has instead wins.
    pub(crate) async fn restore(&self, cached: &Arc<CachedRecord>) -> JobResult {
        let asked = self.vault.0.clock.boot_time();
        let row = cached.record.new_row(&self.vault.0.keys, &self.key, cached.state, cached.limits);
        match self.vault.call_store(self.vault.0.store.restore(&row)).await? {
            Cas::Applied => {
                tracing::error!(generation = row.version.generation, "the store had lost a record; it is written back");
                self.vault.0.memory.insert_if_newer(&self.key, Arc::clone(cached), asked);
                Ok(Arc::clone(cached))
            }
            Cas::Conflict(row) => self.adopt(&row, asked),
            Cas::NoRow => Err(VaultError::NotConnected),
        }
    }
}

impl CachedRecord {
    /// Whether the store has less than what it had once. Nothing deletes a kept row, so one that is missing was lost.
    pub(crate) fn is_lost_by(&self, head: Option<&RowVersion>) -> bool {
        self.is_kept()
            && head.is_none_or(|head| {
                self.is_connection(&head.version.connection_id)
                    && head.version.generation < self.record.generation
                    && !matches!(head.state, State::Revoking | State::Tombstone)
            })
    }
}
