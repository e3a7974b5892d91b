use redis::Cmd;

use crate::store::{
    StoreError, StoreRisk,
    redis::{connection::Connection, info},
};

/// The risks that Redis reports. A hosted Redis may refuse to report; that is a risk too, not a failure.
pub(super) async fn find(connection: &Connection) -> Result<Vec<StoreRisk>, StoreError> {
    Ok([eviction(connection).await?, persistence(connection).await?].into_iter().flatten().collect())
}

async fn eviction(connection: &Connection) -> Result<Option<StoreRisk>, StoreError> {
    Ok(match info::field(connection, "memory", "maxmemory_policy").await? {
        Some(policy) if policy.starts_with("allkeys-") => {
            Some(StoreRisk::Evicts { policy: policy.escape_debug().take(200).collect() })
        }
        Some(_) => None,
        None => Some(StoreRisk::EvictionUnknown),
    })
}

async fn persistence(connection: &Connection) -> Result<Option<StoreRisk>, StoreError> {
    Ok(match info::field(connection, "persistence", "aof_enabled").await?.as_deref() {
        Some("1") => None,
        Some("0") => Some(match save_points(connection).await {
            Some(points) if points.is_empty() => StoreRisk::NotPersistent,
            Some(_) | None => StoreRisk::NoAppendOnlyFile,
        }),
        _ => Some(StoreRisk::PersistenceUnknown),
    })
}

async fn save_points(connection: &Connection) -> Option<String> {
    let pair: Vec<String> = connection.command(Cmd::new().arg("CONFIG").arg("GET").arg("save")).await.ok()?;
    pair.into_iter().nth(1)
}
