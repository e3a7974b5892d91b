//! The contract of notification states: what was reported about each record, so that replicas report it once.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::store::{
    RowKey, StoreError,
    records::{Page, RowVersion},
};

/// What shows whether a record, or what was reported about it, has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The key of the record.
    pub key: RowKey,
    /// Which token set it has, and its state.
    pub head: RowVersion,
    /// When the keeper looks at it. The outcome of each refresh changes this.
    pub due: Option<OffsetDateTime>,
    /// The version of its notification state, 0 if it has none.
    pub notified: u64,
}

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
    /// Rows of records without limits, by key, without what is encrypted in them.
    async fn watched(&self, page: Page<'_>) -> Result<Vec<Watched>, StoreError>;

    /// The state of this key, if it has one.
    async fn notification(&self, key: &RowKey) -> Result<Option<NotificationRow>, StoreError>;

    /// Writes a state over this version, in one atomic step; version 0 is that of a key without a row.
    async fn swap_notification(&self, key: &RowKey, over: u64, state: &str) -> Result<NotificationSwap, StoreError>;

    /// Removes the state of this version, in one atomic step.
    async fn remove_notification(&self, key: &RowKey, version: u64) -> Result<NotificationSwap, StoreError>;
}
