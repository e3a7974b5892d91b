//! Reads and writes records.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::store::{
    Index, NameHash, Names, RowKey, millis,
    records::{Lease, Owner, Row, RowVersion, Sealed, Version},
    sqlite::columns,
    state_codec,
};

/// The columns, in the order in which [`row`] reads them.
macro_rules! record_columns {
    () => {
        "key, connection_id, generation, state, due, attempt, lease_owner, lease_until, idle, absolute, key_id, sealed, \
         label, login_end, user_id, sub, email"
    };
}
pub(super) use record_columns;

pub(super) fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let lease = match row.get::<_, Option<String>>(6)? {
        Some(owner) => Some(Lease { owner: Owner(owner), until: columns::time(row, 7)? }),
        None => None,
    };
    Ok(Row {
        key: RowKey(row.get(0)?),
        version: version(row, 1)?,
        state: columns::state(row, 3)?,
        due: columns::time_if_any(row, 4)?,
        attempt: row.get::<_, Option<String>>(5)?.map(Owner),
        lease,
        limits: columns::limits_if_any(row, 8)?,
        sealed: Sealed { key_id: row.get(10)?, bytes: row.get(11)?, index: index(row)? },
    })
}

fn index(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Index>> {
    let label: String = row.get(12)?;
    if label.is_empty() {
        return Ok(None);
    }
    let name = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<[u8; 16]>>(column)?.map(NameHash));
    let names = Names { user_id: name(14)?, sub: name(15)?, email: name(16)? };
    Ok(Some(Index { label, login_end: columns::time_if_any(row, 13)?, names }))
}

pub(super) fn version(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Version> {
    let generation = row.get::<_, i64>(column + 1)?.cast_unsigned();
    Ok(Version { connection_id: row.get(column)?, generation })
}

pub(super) fn load(connection: &Connection, key: &RowKey) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached(concat!("SELECT ", record_columns!(), " FROM records WHERE key = :key"))?
        .query_row(named_params! { ":key": key.0 }, row)
        .optional()
}

pub(super) fn head(connection: &Connection, key: &RowKey) -> rusqlite::Result<Option<RowVersion>> {
    connection
        .prepare_cached("SELECT connection_id, generation, state FROM records WHERE key = :key")?
        .query_row(named_params! { ":key": key.0 }, |row| {
            Ok(RowVersion { version: version(row, 0)?, state: columns::state(row, 2)? })
        })
        .optional()
}

/// Writes a row, and replaces any that is there.
pub(super) fn replace(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let lease = row.lease.as_ref();
    let index = row.sealed.index.as_ref();
    let names = index.map(|index| index.names).unwrap_or_default();
    connection
        .prepare_cached(concat!(
            "INSERT OR REPLACE INTO records (",
            record_columns!(),
            ") VALUES (:key, :connection_id, :generation, :state, :due, :attempt, :lease_owner, :lease_until,
                       :idle, :absolute, :key_id, :sealed, :label, :login_end, :user_id, :sub, :email)"
        ))?
        .execute(named_params! {
            ":key": row.key.0,
            ":connection_id": row.version.connection_id,
            ":generation": row.version.generation.cast_signed(),
            ":state": state_codec::from_state(row.state),
            ":due": row.due.map(millis::from_time),
            ":attempt": row.attempt.as_ref().map(|attempt| &attempt.0),
            ":lease_owner": lease.map(|lease| &lease.owner.0),
            ":lease_until": lease.map(|lease| millis::from_time(lease.until)),
            ":idle": row.limits.map(|limits| millis::from_time(limits.idle)),
            ":absolute": row.limits.map(|limits| millis::from_time(limits.absolute)),
            ":key_id": row.sealed.key_id,
            ":sealed": row.sealed.bytes,
            ":label": index.map_or("", |index| &index.label),
            ":login_end": index.and_then(|index| index.login_end).map(millis::from_time),
            ":user_id": names.user_id.map(|name| name.0),
            ":sub": names.sub.map(|name| name.0),
            ":email": names.email.map(|name| name.0),
        })?;
    Ok(())
}

/// What may change in a row that keeps its user and its secret. SQLite writes the indexes of a column that is named
/// here also where its value stays, and most of the indexes are of other columns.
const UPDATE: &str = "
    UPDATE records SET connection_id = :connection_id, generation = :generation, state = :state, due = :due,
        attempt = :attempt, lease_owner = :lease_owner, lease_until = :lease_until, sealed = :sealed,
        login_end = :login_end
    WHERE key = :key";

/// Writes a row over `before`, which is there.
pub(super) fn update(connection: &Connection, before: &Row, row: &Row) -> rusqlite::Result<()> {
    if !shares_indexes(before, row) {
        return replace(connection, row);
    }
    let lease = row.lease.as_ref();
    let index = row.sealed.index.as_ref();
    connection.prepare_cached(UPDATE)?.execute(named_params! {
        ":key": row.key.0,
        ":connection_id": row.version.connection_id,
        ":generation": row.version.generation.cast_signed(),
        ":state": state_codec::from_state(row.state),
        ":due": row.due.map(millis::from_time),
        ":attempt": row.attempt.as_ref().map(|attempt| &attempt.0),
        ":lease_owner": lease.map(|lease| &lease.owner.0),
        ":lease_until": lease.map(|lease| millis::from_time(lease.until)),
        ":sealed": row.sealed.bytes,
        ":login_end": index.and_then(|index| index.login_end).map(millis::from_time),
    })?;
    Ok(())
}

/// Whether the columns that [`UPDATE`] does not name are equal.
fn shares_indexes(before: &Row, after: &Row) -> bool {
    let index = |row: &Row| row.sealed.index.as_ref().map(|index| (index.label.clone(), index.names));
    before.limits == after.limits && before.sealed.key_id == after.sealed.key_id && index(before) == index(after)
}

pub(super) fn set_lease(connection: &Connection, key: &RowKey, lease: &Lease) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE records SET lease_owner = :owner, lease_until = :until WHERE key = :key")?
        .execute(named_params! {
            ":key": key.0,
            ":owner": lease.owner.0,
            ":until": millis::from_time(lease.until),
        })?;
    Ok(())
}

pub(super) fn clear_lease(connection: &Connection, key: &RowKey, owner: &Owner) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE records SET lease_owner = NULL, lease_until = NULL WHERE key = :key AND lease_owner = :owner",
        )?
        .execute(named_params! { ":key": key.0, ":owner": owner.0 })?;
    Ok(())
}
