//! Rows: sessions and records, in SQLite or Redis, behind one contract.
//!
//! The store sees sealed bytes and the few columns it must query. It knows no key, no clock and no token:
//! every time limit comes from the caller.

mod error;
mod findings;
mod millis;
mod open;
mod place;
pub mod records;
mod redis;
mod sqlite;

use async_trait::async_trait;
use time::OffsetDateTime;

pub use self::{
    error::{Reason, Said, StoreError},
    findings::Finding,
    open::{Examined, Missing, Opened, Origin, Room, State, examine, open},
    place::Place,
};

/// A row's key as URL-safe base64: the HMAC of a session id (mint), or of VideoAsk's `user_id` (keep).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(pub String);

/// The limits of a session and of the mint record that lives and ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Moves with use.
    pub idle: OffsetDateTime,
    /// Never moves.
    pub absolute: OffsetDateTime,
}

impl Limits {
    /// Whether either limit has passed.
    #[must_use]
    pub fn passed(&self, now: OffsetDateTime) -> bool {
        now >= self.idle || now >= self.absolute
    }
}

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

/// A stored connection, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Session (mint) or user (keep).
    pub key: RowKey,
    /// One login's or import's line of token sets: 128 random bits in hex.
    pub connection_id: String,
    /// Counts the token sets of this connection.
    pub generation: u64,
    /// Those of its session for a mint record; a kept record has none.
    pub limits: Option<Limits>,
    /// Tokens, scope, expiry and identity.
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

/// What both backends do, to the letter; `tests/store_contract.rs` states every edge.
#[async_trait]
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
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
    /// Writes a login's record over whatever was there.
    async fn put_record(&self, row: &RecordRow) -> Result<(), StoreError>;
    /// Reads a record, whatever its limits say.
    async fn record(&self, key: &RowKey) -> Result<Option<RecordRow>, StoreError>;
    /// Deletes sessions and mint records whose limits have passed, and says how many sessions that were.
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError>;
    /// Proves that the store takes writes, and leaves nothing behind (a transaction rolled back; in Redis a key of 10 s).
    async fn probe(&self) -> Result<(), StoreError>;
}
