//! Rows: sessions and records, in SQLite or Redis, behind one contract.
//!
//! The store sees sealed bytes and the few columns it must query. It knows no key, no clock and no token:
//! every time limit comes from the caller.

mod api_keys;
mod backup;
mod counts;
mod error;
mod index;
mod location;
mod millis;
mod notifications;
mod open;
mod opened;
pub mod records;
mod redis;
mod risks;
mod row_key;
mod sessions;
mod sqlite;
mod state_codec;
mod unwritable;

use async_trait::async_trait;
use time::OffsetDateTime;

pub use self::{
    api_keys::ApiKeyRow,
    backup::{BackupError, back_up},
    counts::{RowCounts, RowGroup},
    error::{StoreError, UnavailableReason},
    index::{Index, NameHash, Names},
    location::StoreLocation,
    notifications::{NotificationRow, NotificationSwap, Notifications},
    open::{inspect, open},
    opened::{CanCreate, IfMissing, Inspection, OpenedStore, StoreOrigin, StoreStatus},
    records::NewIndex,
    risks::StoreRisk,
    row_key::RowKey,
    sessions::{InsertOutcome, SessionRow, UpdateOutcome},
    unwritable::Unwritable,
};
pub(crate) use self::{api_keys::ApiKeys, error::ServerMessage, records::Records, risks::Severity, sessions::Sessions};

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
    pub(crate) fn passed(&self, now: OffsetDateTime) -> bool {
        now >= self.idle || now >= self.absolute
    }
}

/// One store holds both, so that a session and its mint record can end in one step.
#[async_trait]
pub trait Store: Sessions + Records + ApiKeys + Notifications {
    /// Proves that the store takes writes, and leaves nothing behind (a transaction rolled back; in Redis a key of 10 s).
    async fn probe(&self) -> Result<(), StoreError>;
}
