use rusqlite::{Connection, Transaction};

use crate::store::{
    StoreError,
    sqlite::{batch::Durability, worker::Worker},
    unwritable::LastFailure,
};

/// A file, or a database in memory.
#[derive(Debug)]
pub(super) struct SqliteStore {
    pub(super) worker: Worker,
    pub(super) last_failure: LastFailure,
}

impl SqliteStore {
    pub(super) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.worker.run(|connection| job(connection)).await
    }

    /// Reads and writes in one step, which is on the disk when this returns. Steps that wait at the same time share a
    /// transaction. If that fails, each is done alone, so `job` may run twice.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.last_failure.note(self.worker.write(Durability::Synced, job).await)
    }

    /// The same without waiting for the disk, for data that a power failure may lose: a lost session costs a login.
    pub(super) async fn write_unsynced<T: Send + 'static>(
        &self,
        job: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.last_failure.note(self.worker.write(Durability::Unsynced, job).await)
    }
}
