//! Asks the store whether a cached record is still current, with one small read for all callers, and notices if the
//! store lost the record (docs/vault.md, rules 1 and 6).

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
    /// The record as the store confirmed it recently, or the cached one while the store does not respond.
    pub(crate) async fn up_to_date(&self, key: &RowKey) -> Result<Arc<CachedRecord>, VaultError> {
        loop {
            let asked = self.0.clock.boot_time();
            if let Some(cached) = self.0.cache.fresh(key, asked) {
                return Ok(cached);
            }
            let cached = self.revalidate(key).await?.ok_or(VaultError::NotConnected)?;
            // If the process was suspended, the response may be long out of date. For a keep-mode record, the next pass
            // asks the cache when the store confirmed it. A mint-mode record is not cached after the read.
            if !cached.is_keep_mode() && self.0.clock.boot_time() <= asked + CACHE_TTL {
                return Ok(cached);
            }
        }
    }

    /// Asks the store about the record, or waits for the read in flight and returns its result.
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
                    // A timeout that includes time in which this process was suspended proves nothing about the store.
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
            // The record must not be handed out, so it leaves the cache now: a further read could fail.
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
