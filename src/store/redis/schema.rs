//! The schema version, which has a key of its own, and the migrations.

use std::sync::LazyLock;

use redis::Script;

use crate::store::{
    StoreError, StoreOrigin,
    redis::{connection::Connection, keys},
};

/// Step `n`, in Lua, brings a store from version `n` to `n + 1`. No step changes any row: a record of
/// version 1 gets its index from the vault.
const MIGRATIONS: &[&str] = &["", ""];

static MIGRATE: LazyLock<Script> = LazyLock::new(|| Script::new(&migration(MIGRATIONS)));

/// The version found, or `None` where there is no store.
pub(super) async fn version(connection: &Connection) -> Result<Option<u32>, StoreError> {
    let version: Option<u32> = connection.command(&redis::Cmd::get(keys::SCHEMA)).await?;
    version.map(|found| known(connection, found)).transpose()
}

/// Migrates the store to the latest version in one step.
pub(super) async fn migrate(connection: &Connection) -> Result<StoreOrigin, StoreError> {
    let before = connection.script(&MIGRATE.key(keys::SCHEMA)).await?;
    Ok(if known(connection, before)? == 0 { StoreOrigin::Created } else { StoreOrigin::Existing })
}

fn known(connection: &Connection, found: u32) -> Result<u32, StoreError> {
    let known = latest();
    if found > known { Err(StoreError::Newer { at: connection.at().clone(), found, known }) } else { Ok(found) }
}

/// All steps as one script, which returns the version that it found. It does not change a newer store.
fn migration(steps: &[&str]) -> String {
    let steps = steps.iter().enumerate().map(|(from, step)| {
        let to = from + 1;
        format!("if version < {to} then {step} redis.call('SET', KEYS[1], {to}) end\n")
    });
    std::iter::once("local version = tonumber(redis.call('GET', KEYS[1]) or 0)\n".to_owned())
        .chain(steps)
        .chain(["return version".to_owned()])
        .collect()
}

/// The version that this program knows.
#[expect(clippy::cast_possible_truncation, reason = "there are a handful of migrations")]
pub(super) const fn latest() -> u32 {
    MIGRATIONS.len() as u32
}
