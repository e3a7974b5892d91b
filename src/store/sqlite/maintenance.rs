//! What keeps a file whole and proves that it can be written.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// Writes what is there already, down to the disk: what is rolled back never gets that far.
pub(super) fn rewrite(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", version)
}

/// Moves what is in the write-ahead log into the file, as far as no reader is in the way. It waits for nobody.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Writes, and takes it back. It needs no table of ours, so it works before a migration too.
pub(super) fn probe(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("CREATE TABLE probe (written INTEGER) STRICT; INSERT INTO probe VALUES (1);")?;
    transaction.rollback()
}
