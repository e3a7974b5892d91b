//! The checkpoint of the write-ahead log, and the proof that a file can be written.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Writes a value that is there already, so that the write reaches the disk. One that is rolled back does not.
pub(super) fn rewrite(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", version)
}

/// Moves the write-ahead log into the file, as far as readers allow. It does not wait for them.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Writes, and rolls back. It needs none of our tables, so it works before a migration too.
pub(super) fn probe(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("CREATE TABLE probe (written INTEGER) STRICT; INSERT INTO probe VALUES (1);")?;
    transaction.rollback()
}
