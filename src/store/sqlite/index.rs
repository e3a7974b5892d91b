//! Finds records by the names of their users, and counts them. Triggers keep the counts: see `v4.sql`.

use std::collections::BTreeMap;

use rusqlite::{Connection, Transaction, named_params};

use crate::store::{
    NameHash, NewIndex, RowCounts, RowGroup, RowKey, millis,
    records::Row,
    sqlite::{columns, rows},
};

const FIND: &str = concat!(
    "SELECT ",
    rows::record_columns!(),
    " FROM records WHERE idle IS NULL AND (user_id = :name OR sub = :name OR email = :name)"
);

const COUNTS: &str = "
    SELECT key_id, state, label, rows,
        (SELECT min(due) FROM records
         WHERE (key_id, state, label) = (groups.key_id, groups.state, groups.label)
             AND due IS NOT NULL AND idle IS NULL),
        (SELECT min(login_end) FROM records
         WHERE (key_id, state, label) = (groups.key_id, groups.state, groups.label)
             AND login_end IS NOT NULL AND idle IS NULL)
    FROM record_counts AS groups WHERE rows > 0";

const REINDEX: &str = "
    UPDATE records SET label = :label, login_end = :login_end, user_id = :user_id, sub = :sub, email = :email
    WHERE key = :key AND connection_id = :connection_id AND generation = :generation AND idle IS NULL";

pub(super) fn find(connection: &Connection, names: &[NameHash]) -> rusqlite::Result<Vec<Row>> {
    // In one snapshot for all names.
    let connection = connection.unchecked_transaction()?;
    let mut select = connection.prepare_cached(FIND)?;
    let mut found: BTreeMap<RowKey, Row> = BTreeMap::new();
    for name in names {
        for row in select.query_map(named_params! { ":name": name.0 }, rows::row)? {
            let row = row?;
            found.insert(row.key.clone(), row);
        }
    }
    Ok(found.into_values().collect())
}

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<RowCounts> {
    let mut select = connection.prepare_cached(COUNTS)?;
    let mut counts = RowCounts::default();
    let groups = select.query_map([], |row| {
        Ok(RowGroup {
            key_id: row.get(0)?,
            state: columns::state(row, 1)?,
            label: row.get(2)?,
            rows: row.get::<_, i64>(3)?.cast_unsigned(),
            due: columns::time_if_any(row, 4)?,
            login_end: columns::time_if_any(row, 5)?,
        })
    })?;
    for group in groups {
        match group? {
            RowGroup { label, rows, .. } if label.is_empty() => counts.unindexed += rows,
            group => counts.groups.push(group),
        }
    }
    Ok(counts)
}

pub(super) fn reindex(transaction: &Transaction<'_>, rows: &[NewIndex]) -> rusqlite::Result<()> {
    let mut update = transaction.prepare_cached(REINDEX)?;
    for NewIndex { key, version, index } in rows {
        update.execute(named_params! {
            ":key": key.0,
            ":connection_id": version.connection_id,
            ":generation": version.generation.cast_signed(),
            ":label": index.label,
            ":login_end": index.login_end.map(millis::from_time),
            ":user_id": index.names.user_id.map(|name| name.0),
            ":sub": index.names.sub.map(|name| name.0),
            ":email": index.names.email.map(|name| name.0),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::schema, *};

    #[test]
    fn a_name_is_searched_in_three_indexes_and_counting_reads_no_rows() {
        let find = schema::tests::plan(FIND);
        for index in ["records_user_id (user_id=?)", "records_sub (sub=?)", "records_email (email=?)"] {
            assert!(find.contains(index), "{find}");
        }
        let counts = schema::tests::plan(COUNTS);
        for time in ["due", "login_end"] {
            let first = format!("INDEX records_group_{time} (key_id=? AND state=? AND label=? AND {time}>?)");
            assert!(counts.contains(&format!("USING COVERING {first}")), "{counts}");
        }
        assert!(!counts.contains("SCAN records "), "{counts}");
    }
}
