//! The contract of sessions.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::store::{Limits, RowKey, StoreError};

/// A browser session: its encrypted data, keyed by the HMAC of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The HMAC of the id.
    pub key: RowKey,
    /// When it ends.
    pub limits: Limits,
    /// The encrypted data.
    pub sealed: Vec<u8>,
}

/// The result of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// The row was changed.
    Updated,
    /// There is no such row, and none was created.
    NoRow,
}

/// The result of an insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// It was inserted.
    Inserted,
    /// There is such a row already. It was not changed.
    KeyTaken,
}

/// Sessions. In mint mode, each has a record of the same key, which ends with it.
#[async_trait]
pub trait Sessions: fmt::Debug + Send + Sync + 'static {
    /// Adds a session, or reports that its key is taken.
    async fn create_session(&self, row: &SessionRow) -> Result<InsertOutcome, StoreError>;

    /// Reads a session, even one whose limits have passed.
    async fn session(&self, key: &RowKey) -> Result<Option<SessionRow>, StoreError>;

    /// Moves the idle limit of a session and its mint-mode record, if they exist.
    async fn touch_session(&self, key: &RowKey, idle: OffsetDateTime) -> Result<UpdateOutcome, StoreError>;

    /// Deletes a session and its mint-mode record in one step.
    async fn delete_session(&self, key: &RowKey) -> Result<(), StoreError>;

    /// Deletes sessions and mint-mode records whose limits have passed. Returns the number of sessions.
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError>;
}
