use redis::Cmd;

use super::connection::Connection;
use crate::store::Finding;

/// What Redis says about itself. Hosted ones may refuse to; that is a finding, not a failure.
pub(super) async fn find(connection: &Connection) -> Vec<Finding> {
    [eviction(connection).await, persistence(connection).await].into_iter().flatten().collect()
}

async fn eviction(connection: &Connection) -> Option<Finding> {
    match info(connection, "memory", "maxmemory_policy").await {
        Some(policy) if policy.starts_with("allkeys-") => {
            Some(Finding::Evicts { policy: policy.escape_debug().take(200).collect() })
        }
        Some(_) => None,
        None => Some(Finding::EvictionUnknown),
    }
}

async fn persistence(connection: &Connection) -> Option<Finding> {
    match info(connection, "persistence", "aof_enabled").await.as_deref() {
        Some("1") => None,
        Some("0") => match save_points(connection).await {
            Some(points) if points.is_empty() => Some(Finding::NotPersistent),
            Some(_) => None,
            None => Some(Finding::PersistenceUnknown),
        },
        _ => Some(Finding::PersistenceUnknown),
    }
}

/// One field of a section of `INFO`, which is lines of `field:value`.
async fn info(connection: &Connection, section: &str, field: &str) -> Option<String> {
    let text: String = connection.command(redis::cmd("INFO").arg(section)).await.ok()?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(name, _)| *name == field).map(|(_, value)| value.trim().to_owned())
}

async fn save_points(connection: &Connection) -> Option<String> {
    let pair: Vec<String> = connection.command(Cmd::new().arg("CONFIG").arg("GET").arg("save")).await.ok()?;
    pair.into_iter().nth(1)
}
