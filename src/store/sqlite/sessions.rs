use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Transaction, named_params};
use time::OffsetDateTime;

use crate::store::{
    InsertOutcome, Limits, RowKey, SessionRow, Sessions, StoreError, UpdateOutcome, millis,
    sqlite::{columns, store::SqliteStore},
};

#[async_trait]
impl Sessions for SqliteStore {
    async fn create_session(&self, row: &SessionRow) -> Result<InsertOutcome, StoreError> {
        let row = row.clone();
        self.write_unsynced(move |transaction| create(transaction, &row)).await
    }

    async fn session(&self, key: &RowKey) -> Result<Option<SessionRow>, StoreError> {
        let key = key.clone();
        self.read(move |connection| load(connection, &key)).await
    }

    async fn touch_session(&self, key: &RowKey, idle: OffsetDateTime) -> Result<UpdateOutcome, StoreError> {
        let key = key.clone();
        self.write_unsynced(move |transaction| touch(transaction, &key, idle)).await
    }

    async fn delete_session(&self, key: &RowKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |transaction| delete(transaction, &key)).await
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        self.write(move |transaction| sweep(transaction, now)).await.map(|sessions| sessions as u64)
    }
}

pub(super) fn create(transaction: &Transaction<'_>, row: &SessionRow) -> rusqlite::Result<InsertOutcome> {
    let rows = transaction
        .prepare_cached(
            "INSERT INTO sessions (key, idle, absolute, sealed) VALUES (:key, :idle, :absolute, :sealed)
             ON CONFLICT (key) DO NOTHING",
        )?
        .execute(named_params! {
            ":key": row.key.0,
            ":idle": millis::from_time(row.limits.idle),
            ":absolute": millis::from_time(row.limits.absolute),
            ":sealed": row.sealed,
        })?;
    Ok(if rows == 0 { InsertOutcome::KeyTaken } else { InsertOutcome::Inserted })
}

fn load(connection: &Connection, key: &RowKey) -> rusqlite::Result<Option<SessionRow>> {
    connection
        .prepare_cached("SELECT idle, absolute, sealed FROM sessions WHERE key = :key")?
        .query_row(named_params! { ":key": key.0 }, |row| {
            let limits = Limits { idle: columns::time(row, 0)?, absolute: columns::time(row, 1)? };
            Ok(SessionRow { key: key.clone(), limits, sealed: row.get(2)? })
        })
        .optional()
}

fn touch(transaction: &Transaction<'_>, key: &RowKey, idle: OffsetDateTime) -> rusqlite::Result<UpdateOutcome> {
    let moved = named_params! { ":key": key.0, ":idle": millis::from_time(idle) };
    let rows = transaction.prepare_cached("UPDATE sessions SET idle = :idle WHERE key = :key")?.execute(moved)?;
    if rows > 0 {
        transaction
            .prepare_cached("UPDATE records SET idle = :idle WHERE key = :key AND idle IS NOT NULL")?
            .execute(moved)?;
    }
    Ok(columns::outcome(rows))
}

fn delete(transaction: &Transaction<'_>, key: &RowKey) -> rusqlite::Result<()> {
    for statement in
        ["DELETE FROM sessions WHERE key = :key", "DELETE FROM records WHERE key = :key AND idle IS NOT NULL"]
    {
        transaction.prepare_cached(statement)?.execute(named_params! { ":key": key.0 })?;
    }
    Ok(())
}

/// Deletes sessions and mint-mode records that have ended. Returns the number of sessions.
fn sweep(transaction: &Transaction<'_>, now: OffsetDateTime) -> rusqlite::Result<usize> {
    let now = named_params! { ":now": millis::from_time(now) };
    transaction
        .prepare_cached("DELETE FROM records WHERE idle IS NOT NULL AND min(idle, absolute) <= :now")?
        .execute(now)?;
    transaction.prepare_cached("DELETE FROM sessions WHERE min(idle, absolute) <= :now")?.execute(now)
}
