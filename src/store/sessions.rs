//! The contract of sessions.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::store::{Limits, RowKey, StoreError};

/// A browser session: sealed data under the HMAC of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The HMAC of the id.
    pub key: RowKey,
    /// When it ends.
    pub limits: Limits,
    /// The sealed data.
    pub sealed: Vec<u8>,
}

/// How an update of a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// The row was changed.
    Updated,
    /// There is no row of that key; none was created.
    NoRow,
}

/// How an insert ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsertOutcome {
    /// It was inserted.
    Inserted,
    /// A row of that key exists; it was not changed.
    KeyTaken,
}

/// Sessions, each with the mint record of the same key, if there is one: a record with limits.
#[async_trait]
pub trait Sessions: fmt::Debug + Send + Sync + 'static {
    /// Adds a session, or reports that its key is taken.
    async fn create_session(&self, row: &SessionRow) -> Result<InsertOutcome, StoreError>;

    /// Replaces the sealed data of a session that is there. Never creates, so a save cannot undo a logout.
    async fn save_session(&self, key: &RowKey, sealed: &[u8]) -> Result<UpdateOutcome, StoreError>;

    /// Reads a session, whatever its limits say.
    async fn session(&self, key: &RowKey) -> Result<Option<SessionRow>, StoreError>;

    /// Moves the idle limit of a session and of its mint record, if they are there.
    async fn touch_session(&self, key: &RowKey, idle: OffsetDateTime) -> Result<UpdateOutcome, StoreError>;

    /// Deletes a session and its mint record, as one.
    async fn delete_session(&self, key: &RowKey) -> Result<(), StoreError>;

    /// Deletes sessions and mint records whose limits have passed, and says how many sessions that were.
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError>;
}
