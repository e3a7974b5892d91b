//! Records and sessions in a SQLite file, or in memory.

mod api_keys;
mod columns;
mod failure;
mod file;
mod identity;
mod index;
mod listings;
mod notifications;
mod open;
mod records;
mod rows;
mod schema;
mod sessions;
mod worker;

use async_trait::async_trait;
use rusqlite::{Connection, Transaction, TransactionBehavior};

pub(super) use self::open::{inspect, open, open_memory};
use crate::store::{Store, StoreError, sqlite::worker::Worker, unwritable::LastFailure};

#[derive(Debug)]
struct SqliteStore {
    worker: Worker,
    last_failure: LastFailure,
}

impl SqliteStore {
    /// Reads, or writes by one statement.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.worker.run(|connection| job(connection)).await
    }

    /// Reads and writes in one step, which is on the disk when this returns.
    async fn step<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.last_failure.note(self.worker.run(|connection| in_one_step(connection, job)).await)
    }

    /// The same without waiting for the disk, for what a power cut may take: a session that is lost costs a login. The
    /// next step that waits brings these to the disk too.
    async fn light_step<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let written = self.worker.run(|connection| {
            connection.pragma_update(None, "synchronous", "normal")?;
            let result = in_one_step(connection, job);
            connection.pragma_update(None, "synchronous", "full")?;
            result
        });
        self.last_failure.note(written.await)
    }
}

fn in_one_step<T>(
    connection: &mut Connection,
    job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    // Immediate: what was read must still hold when it is written.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = job(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

#[async_trait]
impl Store for SqliteStore {
    async fn probe(&self) -> Result<(), StoreError> {
        self.worker.run(probe).await
    }
}

/// Writes what is there already, down to the disk: what is rolled back never gets that far.
fn rewrite(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", version)
}

/// Moves what is in the write-ahead log into the file, as far as no reader is in the way. It waits for nobody.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Writes, and takes it back. It needs no table of ours, so it works before a migration too.
fn probe(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("CREATE TABLE probe (written INTEGER) STRICT; INSERT INTO probe VALUES (1);")?;
    transaction.rollback()
}
