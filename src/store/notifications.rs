//! The contract of notification states: what was reported about each record, so that replicas report it once.

use std::fmt;

use async_trait::async_trait;

use crate::store::{RowKey, StoreError};

/// What was reported about the record of this key. It holds no secret and no personal data, so it is not encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRow {
    /// The key of the record.
    pub key: RowKey,
    /// Counts the changes of this row, from 1.
    pub version: u64,
    /// JSON, which only the notifier reads.
    pub state: String,
}

/// How a compare-and-swap of a notification state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotificationSwap {
    /// The row was at the expected version, and now has the next one.
    Applied,
    /// It was not, and did not change.
    Conflict,
}

/// Notification states, one for each record that something was reported about.
#[async_trait]
pub trait Notifications: fmt::Debug + Send + Sync + 'static {
    /// All of them, in no particular order.
    async fn notifications(&self) -> Result<Vec<NotificationRow>, StoreError>;

    /// Writes a state over this version, in one atomic step; version 0 is that of a key without a row.
    async fn swap_notification(&self, key: &RowKey, over: u64, state: &str) -> Result<NotificationSwap, StoreError>;
}
