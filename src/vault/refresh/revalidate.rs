//! One small read for all callers: is what is cached still current, and has the store lost it (docs/vault.md, rules 1
//! and 6)?

use std::sync::Arc;

use crate::{
    store::{
        RowKey,
        records::{RowVersion, State},
    },
    vault::{
        Vault,
        error::VaultError,
        refresh::{
            cache::{CACHE_TTL, JobKind},
            cached_record::CachedRecord,
            single_flight::Job,
            task::JobResult,
        },
    },
};

impl Vault {
    /// The record as the store confirmed it recently, or as it is cached while the store does not respond.
    pub(crate) async fn up_to_date(&self, key: &RowKey) -> Result<Arc<CachedRecord>, VaultError> {
        loop {
            let asked = self.0.clock.boot_time();
            if let Some(cached) = self.0.cache.fresh(key, asked) {
                return Ok(cached);
            }
            let cached = self.revalidate(key).await?.ok_or(VaultError::NotConnected)?;
            // A process that was suspended may have a response that is long out of date. The cache knows when a
            // keep-mode record was confirmed; a mint-mode record is not cached.
            if !cached.is_keep_mode() && self.0.clock.boot_time() <= asked + CACHE_TTL {
                return Ok(cached);
            }
        }
    }

    /// Asks the store, or joins the caller that does.
    pub(crate) async fn revalidate(&self, key: &RowKey) -> JobResult {
        self.run_shared(key, JobKind::Read, |job| async move { job.revalidate().await }).await.into_result()
    }
}

impl Job {
    async fn revalidate(&self) -> JobResult {
        loop {
            let started = self.vault.0.clock.boot_time();
            match self.read_version().await {
                Err(VaultError::StoreUnavailable) => {
                    let now = self.vault.0.clock.boot_time();
                    // A timeout that ran while this process was suspended proves nothing about the store.
                    if now <= started + CACHE_TTL {
                        let cached = self.vault.0.cache.mark_unreachable(&self.key, now);
                        return cached.map(Some).ok_or(VaultError::StoreUnavailable);
                    }
                }
                result => return result,
            }
        }
    }

    async fn read_version(&self) -> JobResult {
        let Some(cached) = self.vault.0.cache.get(&self.key) else { return self.read().await };
        let asked = self.vault.0.clock.boot_time();
        match self.vault.call_store(self.vault.0.store.peek(&self.key)).await? {
            Some(stored) if cached.matches(&stored) => {
                self.vault.0.cache.confirm(&self.key, &cached, asked);
                Ok(Some(cached))
            }
            // Nothing is handed out, even if the read that follows would fail.
            Some(RowVersion { state: State::Revoking | State::Tombstone, .. }) => {
                self.vault.0.cache.remove(&self.key, asked);
                Ok(None)
            }
            stored if cached.is_lost(stored.as_ref()) && self.may_restore() => self.restore(&cached).await,
            _ => self.read().await,
        }
    }

    async fn read(&self) -> JobResult {
        let asked = self.vault.0.clock.boot_time();
        if let Some(row) = self.vault.call_store(self.vault.0.store.read(&self.key)).await? {
            return self.cache_row(&row, asked);
        }
        self.vault.0.cache.remove(&self.key, asked);
        Ok(None)
    }
}
