//! Rows: sessions and records, in SQLite or Redis, behind one contract.
//!
//! The store sees encrypted bytes, and the few columns that it searches by. It has no key, no clock and no token: every
//! time comes from the caller.

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

use time::OffsetDateTime;

pub use self::{
    api_keys::ApiKeyRow,
    counts::{RowCounts, RowGroup},
    error::{StoreError, UnavailableReason},
    index::{Index, NameHash, Names},
    location::StoreLocation,
    notifications::{NotificationRow, NotificationSwap, Notifications, Watched},
    open::{inspect, open},
    opened::{CanCreate, IfMissing, Inspection, OpenedStore, StoreOrigin, StoreStatus},
    records::NewIndex,
    risks::StoreRisk,
    row_key::RowKey,
    sessions::{InsertOutcome, SessionRow, UpdateOutcome},
    unwritable::Unwritable,
};
pub(crate) use self::{
    api_keys::ApiKeys,
    backup::{BackupError, back_up},
    error::ServerMessage,
    records::Records,
    risks::Severity,
    sessions::Sessions,
};

/// When a session ends, and its mint-mode record with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// It moves with each use.
    pub idle: OffsetDateTime,
    /// It never moves.
    pub absolute: OffsetDateTime,
}

impl Limits {
    /// Whether either limit has passed.
    pub(crate) fn passed(&self, now: OffsetDateTime) -> bool {
        now >= self.idle || now >= self.absolute
    }
}

/// One store holds all of them, so that a session and its mint-mode record can be deleted in one step.
pub trait Store: Sessions + Records + ApiKeys + Notifications {}

impl<All: Sessions + Records + ApiKeys + Notifications> Store for All {}
