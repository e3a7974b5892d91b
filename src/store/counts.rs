//! How many records there are of each kind.

use time::OffsetDateTime;

use crate::store::records::{KeyId, State};

/// How many rows without limits there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Those that have an index, in no order; no group is empty.
    pub groups: Vec<RowGroup>,
    /// Those that have none.
    pub unindexed: u64,
}

/// Rows that have all of this in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowGroup {
    /// Which secret encrypted them.
    pub key_id: KeyId,
    /// Their state.
    pub state: State,
    /// Their label.
    pub label: String,
    /// How many they are.
    pub rows: u64,
    /// When the first of them is due, if any is.
    pub due: Option<OffsetDateTime>,
    /// When the first of their logins is expected to end, if any is.
    pub login_end: Option<OffsetDateTime>,
}
