use rusqlite::{Connection, OptionalExtension, named_params};

use super::columns;
use crate::store::{Limits, RecordRow, RowKey, millis};

pub(super) fn put(connection: &Connection, row: &RecordRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO records (key, connection_id, generation, idle, absolute, sealed)
             VALUES (:key, :connection_id, :generation, :idle, :absolute, :sealed)",
        )?
        .execute(named_params! {
            ":key": row.key.0,
            ":connection_id": row.connection_id,
            ":generation": row.generation.cast_signed(),
            ":idle": row.limits.map(|limits| millis::from_time(limits.idle)),
            ":absolute": row.limits.map(|limits| millis::from_time(limits.absolute)),
            ":sealed": row.sealed,
        })?;
    Ok(())
}

pub(super) fn load(connection: &Connection, key: &RowKey) -> rusqlite::Result<Option<RecordRow>> {
    connection
        .prepare_cached("SELECT connection_id, generation, idle, absolute, sealed FROM records WHERE key = :key")?
        .query_row(named_params! { ":key": key.0 }, |row| {
            let limits = match row.get::<_, Option<i64>>(2)? {
                Some(_) => Some(Limits { idle: columns::time(row, 2)?, absolute: columns::time(row, 3)? }),
                None => None,
            };
            Ok(RecordRow {
                key: key.clone(),
                connection_id: row.get(0)?,
                generation: row.get::<_, i64>(1)?.cast_unsigned(),
                limits,
                sealed: row.get(4)?,
            })
        })
        .optional()
}
