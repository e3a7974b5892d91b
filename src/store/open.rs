//! Opens or inspects the store that `STORE_URL` names.

use crate::{
    config::StoreUrl,
    store::{
        CanCreate, IfMissing, Inspection, OpenedStore, StoreError, StoreLocation, StoreRisk, StoreStatus, redis, sqlite,
    },
};

/// Opens the store. Creates it if `missing` says so, and migrates an older one.
pub async fn open(url: &StoreUrl, missing: IfMissing) -> Result<OpenedStore, StoreError> {
    match url {
        StoreUrl::Memory => sqlite::open_memory().await,
        StoreUrl::Sqlite(path) => sqlite::open(path, missing).await,
        StoreUrl::Redis(url) => redis::open(url, missing).await,
    }
}

/// Inspects the store without creating or migrating it, and proves that an existing one can be written.
pub async fn inspect(url: &StoreUrl) -> Result<Inspection, StoreError> {
    match url {
        StoreUrl::Memory => Ok(Inspection {
            at: StoreLocation::Memory,
            status: StoreStatus::Missing(CanCreate::Yes),
            risks: vec![StoreRisk::NotPersistent],
        }),
        StoreUrl::Sqlite(path) => sqlite::inspect(path).await,
        StoreUrl::Redis(url) => redis::inspect(url).await,
    }
}
