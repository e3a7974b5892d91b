//! The contract of records, leases and attempts.
//!
//! Each method is **one atomic step**: a short `BEGIN IMMEDIATE` transaction or one Lua script. Nobody waits inside
//! one. The store decides nothing about tokens: it compares, and changes what it was told to. Time comes from the
//! caller, so a step does the same whatever the store's own clock shows.
//!
//! An `Err` says only that there is **no answer**. The step may have been done, may not, or may yet be (a write that
//! was given up on can arrive late); every caller of this trait is written for that, and no backend repeats a write
//! by itself.

mod row;

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

pub use self::row::{
    Change, Expected, KeyId, Lease, LeaseSpan, NewIndex, NewRow, OpenAttempt, Owner, Row, RowVersion, Sealed, State,
    Version,
};
use crate::store::{RowKey, StoreError, counts::RowCounts, index::NameHash};

/// How a compare-and-swap ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cas {
    /// The row was as expected, and is as wanted now.
    Applied,
    /// It was not, and was left alone. This is how it stands.
    Conflict(Box<Row>),
    /// There is none, and none was made.
    NoRow,
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The lease is the caller's. This is the row as it stands under it: the second reading of
    /// docs/vault.md, rule 3.
    Claimed(Box<Row>),
    /// Somebody else's lease runs, or attempt is open. This is the row as it stands.
    Held(Box<Row>),
    /// There is no row to claim, and none was made.
    NoRow,
}

/// Where a listing goes on: after this row, and how many at most.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The last key of the page before; `None` is the start.
    pub after: Option<&'a RowKey>,
    /// Not more than this.
    pub limit: u32,
}

/// Records, leases and attempts. `tests/store_contract.rs` states every edge of both backends.
#[async_trait]
pub trait Records: fmt::Debug + Send + Sync + 'static {
    /// Reads version and state alone. It is asked every few seconds for each record in use, so it must be cheap.
    async fn peek(&self, key: &RowKey) -> Result<Option<RowVersion>, StoreError>;

    /// Reads a row, whatever its state, lease and limits say.
    async fn read(&self, key: &RowKey) -> Result<Option<Row>, StoreError>;

    /// Writes a new connection over the version that its writer saw: `over` is that of the row to replace, in
    /// whatever state, or `None` where only a key without a row will do. The row has no lease and no attempt
    /// afterwards, so a holder of one finds that the row has changed. `Missing` only where `over` names a row and there is none.
    /// A row that already has the new connection id is `Done` and left alone, at any generation: this put has
    /// happened before, and its answer was lost.
    async fn put(&self, row: &NewRow, replaces: Option<&Version>) -> Result<Cas, StoreError>;

    /// Takes the lease of a row in any state.
    ///
    /// It is `Claimed`, and the row's lease is `lease` from now on, unless somebody else has an attempt open that this
    /// claim does not take over, or a lease that runs by `span`. Otherwise it is `Held` and nothing changes. An owner
    /// that claims again renews its lease. The attempt stays as it is.
    async fn claim(
        &self,
        key: &RowKey,
        lease: &Lease,
        span: LeaseSpan,
        attempt: &OpenAttempt,
    ) -> Result<Claim, StoreError>;

    /// Gives a lease back: removes it where the row's lease is this owner's, and else does nothing. Never an attempt.
    async fn release(&self, key: &RowKey, owner: &Owner) -> Result<(), StoreError>;

    /// The one compare-and-swap: begins, closes, saves, marks as revoking, leaves a tombstone, encrypts again.
    /// All of `expected` is compared and all of `change` is written in one step, or nothing is.
    ///
    /// A change that opens an attempt is `Done` only when it outlives the failure of one machine, as far as the store
    /// can: a file is synced to the disk, and a Redis with replicas waits until one of them has acknowledged it.
    async fn swap(&self, key: &RowKey, expected: &Expected, change: &Change) -> Result<Cas, StoreError>;

    /// Writes back a kept set that the store has lost (docs/vault.md, rule 6): where there is no row, or one of the same
    /// connection id with a lower generation that is neither [`State::Revoking`] nor [`State::Tombstone`]. `Done` leaves
    /// the row without attempt, and with the lease it had. Anything else is `Moved`, also the same generation; never
    /// `Missing`.
    async fn restore(&self, row: &NewRow) -> Result<Cas, StoreError>;

    /// Gives the pending import at `pending` to its owner, in one step over both keys. Only where the pending row is
    /// as `expected` and `row` can be put as by [`Records::put`] over `over`, both happen: the row is put, and the
    /// pending row becomes a tombstone with `tombstone` for its blob: same version, no attempt, no lease, never due.
    async fn adopt(
        &self,
        pending: &RowKey,
        expected: &Expected,
        tombstone: &Sealed,
        row: &NewRow,
        replaces: Option<&Version>,
    ) -> Result<Adoption, StoreError>;

    /// The keys whose `due <= now`, earliest first and by key within the same moment, with their due times;
    /// after `after`, which may be gone by now.
    async fn due(
        &self,
        now: OffsetDateTime,
        after: Option<&(OffsetDateTime, RowKey)>,
        limit: u32,
    ) -> Result<Vec<(OffsetDateTime, RowKey)>, StoreError>;

    /// Rows without limits (all but mint records), by key.
    async fn list(&self, page: Page<'_>) -> Result<Vec<Row>, StoreError>;

    /// The keys of rows without limits that another secret than `key_id` sealed, by key.
    async fn sealed_by_other_keys(&self, key_id: &KeyId, page: Page<'_>) -> Result<Vec<RowKey>, StoreError>;

    /// Whether it takes writes, as far as is known. This costs nothing while none has failed; once one has failed
    /// because the store is full or read-only, each call tries a write, until one succeeds.
    async fn check_writes(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Does what should be done while nobody is waiting: SQLite moves its write-ahead log into the file, so that a copy
    /// of the file alone is a store.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Rows without limits that have any of these names, each once.
    async fn find(&self, names: &[NameHash]) -> Result<Vec<Row>, StoreError>;

    /// How many rows without limits there are. Each step keeps the counts true, so this does not look at the rows.
    async fn counts(&self) -> Result<RowCounts, StoreError>;

    /// Gives rows another index, all in one step. A row without limits that has the version is changed; any other one is
    /// left alone.
    async fn reindex(&self, rows: &[NewIndex]) -> Result<(), StoreError>;
}

/// How an adoption ended. Only `Done` changed anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// Both rows are as wanted.
    Applied,
    /// The pending row is not as expected; `None`: it is missing.
    PendingConflict(Option<Box<Row>>),
    /// The owner's row is not one that may be replaced; `None`: it is missing.
    OwnerConflict(Option<Box<Row>>),
}
