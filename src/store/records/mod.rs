//! The contract of records, leases and attempts.
//!
//! Each method is **one atomic step**: a short `BEGIN IMMEDIATE` transaction or one Lua script, which waits for nothing.
//! The store decides nothing about tokens: it compares, and writes what it is given. Time comes from the caller, so the
//! store's own clock does not matter.
//!
//! An `Err` means only that there is **no response**. The step may have been done, or not, or may still be done, since a
//! write can arrive after its caller has stopped waiting. Every caller of this trait is written for that, and no backend
//! repeats a write by itself.

mod row;

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

pub use self::row::{
    Change, Expected, KeyId, Lease, LeaseWindow, NewIndex, NewRow, OpenAttempt, Owner, Row, RowVersion, Sealed, State,
    Version,
};
use crate::store::{RowKey, SessionRow, StoreError, counts::RowCounts, index::NameHash};

/// The result of a compare-and-swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cas {
    /// The row was as expected, and was changed.
    Applied,
    /// The row was not as expected, and was not changed. This is the row.
    Conflict(Box<Row>),
    /// There is no row, and none was created.
    NoRow,
}

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller has the lease. This is the row, read under it (the second reading of docs/vault.md, rule 3).
    Claimed(Box<Row>),
    /// Another owner has an unexpired lease or an open attempt. This is the row.
    Held(Box<Row>),
    /// There is no row, and none was created.
    NoRow,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The last key of the previous page; `None` starts at the first.
    pub after: Option<&'a RowKey>,
    /// The most rows of the page.
    pub limit: u32,
}

/// Records, leases and attempts. `tests/store_contract/` tests each backend against this.
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync + 'static {
    /// Reads only version and state. It is called every few seconds for each record in use, so it must be cheap.
    async fn peek(&self, key: &RowKey) -> Result<Option<RowVersion>, StoreError>;

    /// Reads a row, whatever its state, lease and limits say.
    async fn read(&self, key: &RowKey) -> Result<Option<Row>, StoreError>;

    /// Writes a new connection. `replaces` is the version and state that the writer read; `None` means that there must be
    /// no row. The state counts too: a row that became a tombstone in between has ended its user's sessions. Afterwards the row has no lease and no attempt, so a holder of either finds that it has changed.
    /// The result is [`Cas::NoRow`] only if `replaces` names a version and there is no row. A row that already has the
    /// new connection id, at any generation, is not changed and counts as [`Cas::Applied`]: this put was done before, and
    /// its response was lost.
    async fn put(&self, row: &NewRow, replaces: Option<&RowVersion>) -> Result<Cas, StoreError>;

    /// As [`Records::put`], and adds the session of the login in the same step. The session is added only where the row
    /// is written, so one that has ended since does not come back with a repeated put.
    async fn put_with_session(
        &self,
        row: &NewRow,
        replaces: Option<&RowVersion>,
        session: &SessionRow,
    ) -> Result<Cas, StoreError>;

    /// Takes the lease of a row in any state.
    ///
    /// The result is [`Claim::Held`], and nothing changes, if another owner has an open attempt that this claim does not
    /// take over, or a lease that is unexpired by `window`. Otherwise the row's lease is now `lease`. An owner that claims
    /// again renews its lease. The attempt does not change.
    async fn claim(
        &self,
        key: &RowKey,
        lease: &Lease,
        window: LeaseWindow,
        attempt: &OpenAttempt,
    ) -> Result<Claim, StoreError>;

    /// Removes the row's lease if it is this owner's. It never changes the attempt.
    async fn release(&self, key: &RowKey, owner: &Owner) -> Result<(), StoreError>;

    /// The compare-and-swap of a row: it begins and closes attempts, saves, marks as revoking, leaves a tombstone, and
    /// encrypts again. If the row is as `expected`, all of `change` is written; otherwise nothing is.
    ///
    /// A change that opens an attempt is [`Cas::Applied`] only if it survives the failure of one machine, as far as the
    /// store can tell: a file is synced to the disk, and a Redis that has replicas waits until one has acknowledged it.
    async fn swap(&self, key: &RowKey, expected: &Expected, change: &Change) -> Result<Cas, StoreError>;

    /// Writes back a keep-mode record that the store lost (docs/vault.md, rule 6), if there is no row, or one of the same
    /// connection with a lower generation that is neither [`State::Revoking`] nor [`State::Tombstone`]. Any other row,
    /// one of the same generation too, is a [`Cas::Conflict`]. Afterwards the row has no attempt, and its lease is
    /// unchanged. The result is never [`Cas::NoRow`].
    async fn restore(&self, row: &NewRow) -> Result<Cas, StoreError>;

    /// Moves the pending import at `pending` to its owner, in one step over both keys. If the pending row is as
    /// `expected`, and `row` can be put as [`Records::put`] does, the row is put and the pending row becomes a tombstone
    /// with the blob `tombstone`: the same version, without attempt, lease or due time. Otherwise neither changes.
    async fn adopt(
        &self,
        pending: &RowKey,
        expected: &Expected,
        tombstone: &Sealed,
        row: &NewRow,
        replaces: Option<&RowVersion>,
    ) -> Result<Adoption, StoreError>;

    /// The keys with `due <= now` and their due times, sorted by both, after `after`, which need no longer exist.
    async fn due(
        &self,
        now: OffsetDateTime,
        after: Option<&(OffsetDateTime, RowKey)>,
        limit: u32,
    ) -> Result<Vec<(OffsetDateTime, RowKey)>, StoreError>;

    /// Rows without limits (all but mint-mode records), by key.
    async fn list(&self, page: Page<'_>) -> Result<Vec<Row>, StoreError>;

    /// The keys, sorted, of rows without limits that another secret than that of `key_id` encrypted.
    async fn sealed_by_other_keys(&self, key_id: &KeyId, page: Page<'_>) -> Result<Vec<RowKey>, StoreError>;

    /// Whether the store accepts writes, as far as is known. It costs nothing while no write has failed. After one has
    /// failed because the store is full or read-only, each call tries a write until one succeeds.
    async fn check_writes(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Moves SQLite's write-ahead log into the file, so that a copy of the file alone has all data. It is called while
    /// nothing else is to be done.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Rows without limits that have any of these names. Each row is returned once.
    async fn find(&self, names: &[NameHash]) -> Result<Vec<Row>, StoreError>;

    /// How many rows without limits there are. Each write updates the counts, so this reads no rows.
    async fn counts(&self) -> Result<RowCounts, StoreError>;

    /// Replaces the indexes of rows, all in one step. A row that has limits or another version is not changed.
    async fn reindex(&self, rows: &[NewIndex]) -> Result<(), StoreError>;
}

/// The result of an adoption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// Both rows were changed.
    Applied,
    /// The pending row is not as expected, or is missing. Nothing was changed.
    PendingConflict(Option<Box<Row>>),
    /// The owner's row does not have the version to replace, or is missing. Nothing was changed.
    OwnerConflict(Option<Box<Row>>),
}
