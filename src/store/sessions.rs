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

/// Whether a row of that key was there to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was, and is changed now.
    Done,
    /// It was not; nothing was created.
    Missing,
}

/// Whether a new row could take its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It could.
    New,
    /// A row of that key is there; it was not changed.
    Exists,
}

/// Sessions, each with the mint record of the same key, if there is one: a record with limits.
#[async_trait]
pub trait Sessions: fmt::Debug + Send + Sync + 'static {
    /// Adds a session, or reports that its key is taken.
    async fn create_session(&self, row: &SessionRow) -> Result<Created, StoreError>;

    /// Replaces the sealed data of a session that is there. Never creates, so a save cannot undo a logout.
    async fn save_session(&self, key: &RowKey, sealed: &[u8]) -> Result<Outcome, StoreError>;

    /// Reads a session, whatever its limits say.
    async fn session(&self, key: &RowKey) -> Result<Option<SessionRow>, StoreError>;

    /// Moves the idle limit of a session and of its mint record, if they are there.
    async fn touch_session(&self, key: &RowKey, idle: OffsetDateTime) -> Result<Outcome, StoreError>;

    /// Deletes a session and its mint record, as one.
    async fn delete_session(&self, key: &RowKey) -> Result<(), StoreError>;

    /// Deletes sessions and mint records whose limits have passed, and says how many sessions that were.
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError>;
}
