//! Lists records. Each page is found by an index, so its cost does not depend on the number of records in the store.

use rusqlite::{Connection, named_params};
use time::OffsetDateTime;

use crate::store::{
    RowKey, millis,
    records::{KeyId, Row},
    sqlite::{columns, rows},
};

const DUE: &str = "
    SELECT due, key FROM records
    WHERE due IS NOT NULL AND due <= :now AND (due, key) > (:after_due, :after_key)
    ORDER BY due, key LIMIT :limit";

const KEPT: &str = concat!(
    "SELECT ",
    rows::record_columns!(),
    " FROM records WHERE idle IS NULL AND key >= :from AND key IS NOT :after ORDER BY key LIMIT :limit"
);

/// It asks for smaller and greater key ids, because an index cannot answer "not equal". It names the index, because SQLite
/// would otherwise read all keys in order to avoid sorting.
const SEALED_BY_OTHER_KEYS: &str = "
    SELECT key FROM records INDEXED BY records_sealed
    WHERE idle IS NULL AND key_id < :key_id AND key >= :from AND key IS NOT :after
    UNION ALL
    SELECT key FROM records INDEXED BY records_sealed
    WHERE idle IS NULL AND key_id > :key_id AND key >= :from AND key IS NOT :after
    ORDER BY key LIMIT :limit";

pub(super) fn due(
    connection: &Connection,
    now: OffsetDateTime,
    after: Option<(OffsetDateTime, RowKey)>,
    limit: u32,
) -> rusqlite::Result<Vec<(OffsetDateTime, RowKey)>> {
    let after = after.map(|(due, key)| (millis::from_time(due), key.0));
    // Earlier than every due time.
    let (after_due, after_key) = after.unwrap_or((i64::MIN, String::new()));
    let page = named_params! {
        ":now": millis::from_time(now),
        ":after_due": after_due,
        ":after_key": after_key,
        ":limit": limit,
    };
    let entry = |row: &rusqlite::Row<'_>| Ok((columns::time(row, 0)?, RowKey(row.get(1)?)));
    connection.prepare_cached(DUE)?.query_map(page, entry)?.collect()
}

pub(super) fn kept(connection: &Connection, after: Option<&RowKey>, limit: u32) -> rusqlite::Result<Vec<Row>> {
    let (from, after) = bounds(after);
    let page = named_params! { ":from": from, ":after": after, ":limit": limit };
    connection.prepare_cached(KEPT)?.query_map(page, rows::row)?.collect()
}

pub(super) fn sealed_by_other_keys(
    connection: &Connection,
    key_id: &KeyId,
    after: Option<&RowKey>,
    limit: u32,
) -> rusqlite::Result<Vec<RowKey>> {
    let (from, after) = bounds(after);
    let page = named_params! { ":key_id": key_id, ":from": from, ":after": after, ":limit": limit };
    connection.prepare_cached(SEALED_BY_OTHER_KEYS)?.query_map(page, |row| row.get(0).map(RowKey))?.collect()
}

/// The first key of a page, and the key that it leaves out. Without a previous page, nothing is left out, not even an
/// empty key.
pub(super) fn bounds(after: Option<&RowKey>) -> (&str, Option<&str>) {
    let after = after.map(|key| key.0.as_str());
    (after.unwrap_or_default(), after)
}

#[cfg(test)]
mod tests {
    use super::{super::schema::tests::plan, *};

    #[test]
    fn what_is_due_is_read_from_the_index_alone_and_in_its_order() {
        assert_eq!(plan(DUE), "SEARCH records USING COVERING INDEX records_due ((due,key)>(?,?) AND due<?)");
    }

    #[test]
    fn a_page_of_what_is_kept_begins_at_its_key() {
        assert_eq!(plan(KEPT), "SEARCH records USING INDEX sqlite_autoindex_records_1 (key>?)");
    }

    #[test]
    fn what_the_current_secret_sealed_is_not_looked_at_to_find_the_rest() {
        let plan = plan(SEALED_BY_OTHER_KEYS);
        assert!(plan.contains("records_sealed (key_id<?)") && plan.contains("records_sealed (key_id>?)"), "{plan}");
        assert!(!plan.contains("SCAN"), "{plan}");
    }
}
