//! Records and sessions in a SQLite file, or in memory.

mod columns;
mod failure;
mod file;
mod open;
mod records;
mod schema;
mod sessions;
mod worker;

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use time::OffsetDateTime;

pub(super) use self::open::{examine, open, open_memory};
use self::worker::Worker;
use super::{Created, Outcome, RecordRow, RowKey, SessionRow, Store, StoreError};

#[derive(Debug)]
struct SqliteStore {
    worker: Worker,
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_session(&self, row: &SessionRow) -> Result<Created, StoreError> {
        let row = row.clone();
        self.worker.run(move |connection| sessions::create(connection, &row)).await
    }

    async fn save_session(&self, key: &RowKey, sealed: &[u8]) -> Result<Outcome, StoreError> {
        let (key, sealed) = (key.clone(), sealed.to_vec());
        self.worker.run(move |connection| sessions::save(connection, &key, &sealed)).await
    }

    async fn session(&self, key: &RowKey) -> Result<Option<SessionRow>, StoreError> {
        let key = key.clone();
        self.worker.run(move |connection| sessions::load(connection, &key)).await
    }

    async fn touch_session(&self, key: &RowKey, idle: OffsetDateTime) -> Result<Outcome, StoreError> {
        let key = key.clone();
        self.worker.run(move |connection| sessions::touch(connection, &key, idle)).await
    }

    async fn delete_session(&self, key: &RowKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.worker.run(move |connection| sessions::delete(connection, &key)).await
    }

    async fn put_record(&self, row: &RecordRow) -> Result<(), StoreError> {
        let row = row.clone();
        self.worker.run(move |connection| records::put(connection, &row)).await
    }

    async fn record(&self, key: &RowKey) -> Result<Option<RecordRow>, StoreError> {
        let key = key.clone();
        self.worker.run(move |connection| records::load(connection, &key)).await
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        self.worker.run(move |connection| sessions::sweep(connection, now)).await.map(|sessions| sessions as u64)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.worker.run(probe).await
    }
}

/// Writes, and takes it back. It needs no table of ours, so it works before a migration too.
fn probe(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("CREATE TABLE probe (written INTEGER) STRICT; INSERT INTO probe VALUES (1);")?;
    transaction.rollback()
}
