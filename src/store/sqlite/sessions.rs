use rusqlite::{Connection, OptionalExtension, TransactionBehavior, named_params};
use time::OffsetDateTime;

use super::columns;
use crate::store::{Created, Limits, Outcome, RowKey, SessionRow, millis};

pub(super) fn create(connection: &Connection, row: &SessionRow) -> rusqlite::Result<Created> {
    let rows = connection
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
    Ok(if rows == 0 { Created::Exists } else { Created::New })
}

pub(super) fn save(connection: &Connection, key: &RowKey, sealed: &[u8]) -> rusqlite::Result<Outcome> {
    let rows = connection
        .prepare_cached("UPDATE sessions SET sealed = :sealed WHERE key = :key")?
        .execute(named_params! { ":key": key.0, ":sealed": sealed })?;
    Ok(columns::outcome(rows))
}

pub(super) fn load(connection: &Connection, key: &RowKey) -> rusqlite::Result<Option<SessionRow>> {
    connection
        .prepare_cached("SELECT idle, absolute, sealed FROM sessions WHERE key = :key")?
        .query_row(named_params! { ":key": key.0 }, |row| {
            let limits = Limits { idle: columns::time(row, 0)?, absolute: columns::time(row, 1)? };
            Ok(SessionRow { key: key.clone(), limits, sealed: row.get(2)? })
        })
        .optional()
}

pub(super) fn touch(connection: &mut Connection, key: &RowKey, idle: OffsetDateTime) -> rusqlite::Result<Outcome> {
    let moved = named_params! { ":key": key.0, ":idle": millis::from_time(idle) };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let rows = transaction.prepare_cached("UPDATE sessions SET idle = :idle WHERE key = :key")?.execute(moved)?;
    if rows > 0 {
        transaction
            .prepare_cached("UPDATE records SET idle = :idle WHERE key = :key AND idle IS NOT NULL")?
            .execute(moved)?;
    }
    transaction.commit()?;
    Ok(columns::outcome(rows))
}

pub(super) fn delete(connection: &mut Connection, key: &RowKey) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for statement in
        ["DELETE FROM sessions WHERE key = :key", "DELETE FROM records WHERE key = :key AND idle IS NOT NULL"]
    {
        transaction.prepare_cached(statement)?.execute(named_params! { ":key": key.0 })?;
    }
    transaction.commit()
}

/// Deletes what has ended, mint records too, and counts the sessions.
pub(super) fn sweep(connection: &mut Connection, now: OffsetDateTime) -> rusqlite::Result<usize> {
    let now = named_params! { ":now": millis::from_time(now) };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .prepare_cached("DELETE FROM records WHERE idle IS NOT NULL AND min(idle, absolute) <= :now")?
        .execute(now)?;
    let sessions =
        transaction.prepare_cached("DELETE FROM sessions WHERE min(idle, absolute) <= :now")?.execute(now)?;
    transaction.commit()?;
    Ok(sessions)
}
