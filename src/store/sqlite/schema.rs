//! The schema and its migrations. The version is in `user_version`, and `application_id` marks our files.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::store::StoreOrigin;

/// "vask" in ASCII.
const APPLICATION_ID: u32 = 0x7661_736b;

/// Step `n` brings a store from version `n` to `n + 1`. A step that was released never changes.
const MIGRATIONS: &[&str] =
    &[include_str!("v1.sql"), include_str!("v2.sql"), include_str!("v3.sql"), include_str!("v4.sql")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileContents {
    /// No tables: the file is new, or another process is about to create them.
    Nothing,
    /// A store at the version this program knows, or an earlier one.
    Known,
    Newer(u32),
    Foreign,
}

/// The latest version that this program knows.
pub(super) const fn known() -> u32 {
    version_after(MIGRATIONS)
}

pub(super) fn contents(connection: &Connection) -> rusqlite::Result<FileContents> {
    // In one snapshot, since another process may be creating the tables now.
    let connection = connection.unchecked_transaction()?;
    let application: u32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version = version(&connection)?;
    Ok(match (application, version) {
        (APPLICATION_ID, version) if version > known() => FileContents::Newer(version),
        (APPLICATION_ID, _) => FileContents::Known,
        (0, 0) if is_empty(&connection)? => FileContents::Nothing,
        _ => FileContents::Foreign,
    })
}

/// Migrates the store to the known version. All steps are in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<StoreOrigin> {
    migrate_by(MIGRATIONS, connection)
}

fn migrate_by(steps: &[&str], connection: &mut Connection) -> rusqlite::Result<StoreOrigin> {
    // Opening a store that is up to date should not wait for a writer.
    if version(connection)? == version_after(steps) {
        return Ok(StoreOrigin::Existing);
    }
    // Immediate, so that of two processes that open a new file at once, the second one waits here, and finds it migrated.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = version(&transaction)?;
    if before < version_after(steps) {
        apply(&transaction, steps, before)?;
    }
    transaction.commit()?;
    Ok(if before == 0 { StoreOrigin::Created } else { StoreOrigin::Existing })
}

fn apply(transaction: &Transaction<'_>, steps: &[&str], before: u32) -> rusqlite::Result<()> {
    for step in steps.iter().skip(before as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version_after(steps))
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

#[expect(clippy::cast_possible_truncation, reason = "there are a handful of migrations")]
const fn version_after(steps: &[&str]) -> u32 {
    steps.len() as u32
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// How SQLite goes about a query, as it says itself.
    pub(in crate::store::sqlite) fn plan(query: &str) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}")).unwrap();
        // Raw, since the parameters stay without values.
        let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        steps.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    const TWO: &[&str] = &[MIGRATIONS[0], "CREATE TABLE leases (key TEXT PRIMARY KEY) STRICT;"];

    #[test]
    fn an_older_store_is_migrated_and_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert_eq!(migrate_by(&TWO[..1], &mut connection), Ok(StoreOrigin::Created));
        connection.execute("INSERT INTO sessions VALUES ('k', 1, 2, x'00')", []).unwrap();
        assert_eq!(migrate_by(TWO, &mut connection), Ok(StoreOrigin::Existing));
        assert_eq!(version(&connection), Ok(2));
        let rows: u32 = connection.query_row("SELECT count(*) FROM sessions, leases", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "the new table is there and empty");
        let rows: u32 = connection.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_step_that_fails_leaves_the_store_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_by(&TWO[..1], &mut connection).unwrap();
        let broken = [TWO[0], TWO[1], "CREATE TABLE sessions (key TEXT);"];
        assert!(migrate_by(&broken, &mut connection).is_err());
        assert_eq!(version(&connection), Ok(1));
        assert_eq!(contents(&connection), Ok(FileContents::Known));
        assert!(connection.query_row("SELECT count(*) FROM leases", [], |_| Ok(())).is_err());
    }
}
