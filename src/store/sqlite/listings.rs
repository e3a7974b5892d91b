//! Which records there are. Each page is found by an index, so it costs what it holds and not what is kept.

use rusqlite::{Connection, named_params};
use time::OffsetDateTime;

use super::{columns, rows};
use crate::store::{
    RowKey, millis,
    records::{KeyId, Row},
};

pub(super) fn due(
    connection: &Connection,
    now: OffsetDateTime,
    after: Option<(OffsetDateTime, RowKey)>,
    limit: u32,
) -> rusqlite::Result<Vec<(OffsetDateTime, RowKey)>> {
    let after = after.map(|(due, key)| (millis::from_time(due), key.0));
    // Earlier than all that can be due.
    let (after_due, after_key) = after.unwrap_or((i64::MIN, String::new()));
    connection
        .prepare_cached(
            "SELECT due, key FROM records
             WHERE due IS NOT NULL AND due <= :now AND (due, key) > (:after_due, :after_key)
             ORDER BY due, key LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":now": millis::from_time(now),
                ":after_due": after_due,
                ":after_key": after_key,
                ":limit": limit,
            },
            |row| Ok((columns::time(row, 0)?, RowKey(row.get(1)?))),
        )?
        .collect()
}

pub(super) fn kept(connection: &Connection, after: Option<&RowKey>, limit: u32) -> rusqlite::Result<Vec<Row>> {
    let (from, after) = bounds(after);
    connection
        .prepare_cached(concat!(
            "SELECT ",
            rows::record_columns!(),
            " FROM records WHERE idle IS NULL AND key >= :from AND key IS NOT :after ORDER BY key LIMIT :limit"
        ))?
        .query_map(named_params! { ":from": from, ":after": after, ":limit": limit }, rows::row)?
        .collect()
}

/// Asks for less and for more, because an index does not answer "not equal".
pub(super) fn sealed_by_others(
    connection: &Connection,
    key_id: &KeyId,
    after: Option<&RowKey>,
    limit: u32,
) -> rusqlite::Result<Vec<RowKey>> {
    let (from, after) = bounds(after);
    connection
        .prepare_cached(
            "SELECT key FROM records
             WHERE idle IS NULL AND key_id < :key_id AND key >= :from AND key IS NOT :after
             UNION ALL
             SELECT key FROM records
             WHERE idle IS NULL AND key_id > :key_id AND key >= :from AND key IS NOT :after
             ORDER BY key LIMIT :limit",
        )?
        .query_map(named_params! { ":key_id": key_id, ":from": from, ":after": after, ":limit": limit }, |row| {
            row.get(0).map(RowKey)
        })?
        .collect()
}

pub(super) fn count_by_sealing_key(connection: &Connection) -> rusqlite::Result<Vec<(KeyId, u64)>> {
    connection
        .prepare_cached("SELECT key_id, count(*) FROM records WHERE idle IS NULL GROUP BY key_id ORDER BY key_id")?
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?
        .collect()
}

/// Where a page begins, and the key that it leaves out. Even the empty key comes after no key.
fn bounds(after: Option<&RowKey>) -> (&str, Option<&str>) {
    let after = after.map(|key| key.0.as_str());
    (after.unwrap_or_default(), after)
}
