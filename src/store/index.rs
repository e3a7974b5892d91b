//! What the store can find and count a record by, though it cannot decrypt it.

use time::OffsetDateTime;

use crate::store::{
    RowKey,
    records::{KeyId, State, Version},
};

/// The keyed hash of a user's name. Nobody without the secret can tell what it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameHash(pub [u8; 16]);

/// What a kept record is found and counted by. It is written together with the blob, so that the two always fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Records are counted by it. A word of `[a-z0-9.-]`, never empty.
    pub label: String,
    /// When its login is expected to end, if it is.
    pub login_end: Option<OffsetDateTime>,
    /// Records are found by them.
    pub names: Names,
}

/// The names of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of VideoAsk's own id.
    pub user_id: Option<NameHash>,
    /// Of the id_token's subject.
    pub sub: Option<NameHash>,
    /// Of the e-mail, if it is proven.
    pub email: Option<NameHash>,
}

/// The index of a row that was written without one, or with one that no longer fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIndex {
    /// Which row.
    pub key: RowKey,
    /// The version that the index was made of. Any other row is left alone: the process that wrote it has made its index.
    pub version: Version,
    /// The index.
    pub index: Index,
}

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

impl Names {
    /// Whether one of them is this.
    #[must_use]
    pub fn contain(&self, name: &NameHash) -> bool {
        [&self.user_id, &self.sub, &self.email].into_iter().flatten().any(|own| own == name)
    }
}
