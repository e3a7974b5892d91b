//! The contract of records, leases and attempts.
//!
//! Each method is **one atomic step**: a short `BEGIN IMMEDIATE` transaction or one Lua script. Nobody waits inside
//! one. The store decides nothing about tokens: it compares, and changes what it was told to. Time comes from the
//! caller, so a step does the same whatever the store's own clock shows.
//!
//! An `Err` says only that there is **no answer**. The step may have been done, may not, or may yet be (a write that
//! was given up on can arrive late); every caller of this trait is written for that, and no backend repeats a write
//! by itself.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::store::{
    Limits, RowKey, StoreError,
    index::{Index, NameHash, NewIndex, RowCounts},
};

/// A stored connection, sealed, with what the store must query beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The HMAC of a session's id (mint), VideoAsk's `user_id` (keep), or the fingerprint of an import.
    pub key: RowKey,
    /// One login's or import's line of token sets, and which of them this is.
    pub version: Version,
    /// What may be done with it.
    pub state: State,
    /// When the keeper should look at it; `None` is never.
    pub due: Option<OffsetDateTime>,
    /// The exchange that was written ahead and not closed yet.
    pub attempt: Option<Owner>,
    /// Who works on it, and for how long at most.
    pub lease: Option<Lease>,
    /// Those of its session for a mint record; a kept record has none.
    pub limits: Option<Limits>,
    /// The sealed blob.
    pub sealed: Sealed,
}

/// Which token set a row holds. What writers compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// 128 random bits in hex, new with each login and import.
    pub connection_id: String,
    /// Counts the token sets of this connection, from 1.
    pub generation: u64,
}

/// Bytes that only the holder of the secret can read, and which secret that is.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Names the secret without giving anything away.
    pub key_id: KeyId,
    /// Opaque.
    pub bytes: Vec<u8>,
    /// What the store finds and counts it by. Only kept records have one.
    pub index: Option<Index>,
}

/// The id of a sealing key, in hex.
pub type KeyId = String;

/// What may be done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Hand out and refresh.
    Live,
    /// The provider said `invalid_grant`: hand out to its end, refresh only if a person asks.
    Dead,
    /// The provider refuses us with another code: hand out, try again when due.
    Blocked,
    /// On its way out: neither hand out nor refresh.
    Revoking,
    /// An import that nobody is known to own yet.
    Pending,
    /// What is left when the secrets are removed. Nothing but a new login replaces it.
    Tombstone,
}

impl State {
    /// The state as `status` and the machine API call it.
    #[must_use]
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Dead => "reconnect-required",
            Self::Blocked => "blocked",
            Self::Revoking => "revoking",
            Self::Pending => "pending",
            Self::Tombstone => "forgotten",
        }
    }
}

/// One claim of one process: unique for ever, so that what arrives late is not taken for what came after.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(pub String);

/// Who works on a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose it is.
    pub owner: Owner,
    /// When it runs out, by its owner's wall clock.
    pub until: OffsetDateTime,
}

/// Which leases run, by the wall clock of the caller: those that end after `now` and not after `horizon`. A lease
/// that ends later was made by a clock that is ahead, or was set back since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseSpan {
    /// The time.
    pub now: OffsetDateTime,
    /// One lease length later.
    pub horizon: OffsetDateTime,
}

/// What a claim does about an attempt that another owner has open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenAttempt {
    /// It keeps the claim out, whatever any clock says.
    Respect,
    /// The claim takes over this attempt, and with it the lease of the same owner. Any other one keeps it out.
    TakeOver(Owner),
}

/// The few columns that say whether what a process remembers still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowVersion {
    /// As in the row.
    pub version: Version,
    /// As in the row.
    pub state: State,
}

/// A whole new connection: what a login or an import writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRow {
    /// As in the row.
    pub key: RowKey,
    /// As in the row.
    pub version: Version,
    /// As in the row.
    pub state: State,
    /// As in the row.
    pub due: Option<OffsetDateTime>,
    /// As in the row.
    pub limits: Option<Limits>,
    /// As in the row.
    pub sealed: Sealed,
}

/// What a row must be for a [`Change`] to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Exactly this version.
    pub version: Version,
    /// Exactly this state: a tombstone has the version of what it is left of.
    pub state: State,
    /// Exactly this attempt is open, or none.
    pub attempt: Option<Owner>,
    /// If given, the row's lease names this owner. Its end is not looked at: a lease that ran out and that nobody
    /// else claimed still is its owner's.
    pub lease: Option<Owner>,
}

/// What a row becomes. Key, connection id, lease and limits stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The new generation.
    pub generation: u64,
    /// The new state.
    pub state: State,
    /// The new due time.
    pub due: Option<OffsetDateTime>,
    /// The attempt that is open from now on, or none.
    pub attempt: Option<Owner>,
    /// The new blob, or `None` to keep the old one.
    pub sealed: Option<Sealed>,
}

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

impl Lease {
    fn runs(&self, span: LeaseSpan) -> bool {
        self.until > span.now && self.until <= span.horizon
    }
}

impl OpenAttempt {
    fn takes_over(&self, holder: &Owner) -> bool {
        matches!(self, Self::TakeOver(owner) if owner == holder)
    }
}

impl Row {
    /// Whether somebody else's attempt or lease keeps `owner` out; the rule of [`Records::claim`].
    #[must_use]
    pub fn is_held(&self, owner: &Owner, span: LeaseSpan, attempt: &OpenAttempt) -> bool {
        let keeps_out = |holder: &Owner| holder != owner && !attempt.takes_over(holder);
        self.attempt.as_ref().is_some_and(keeps_out)
            || self.lease.as_ref().is_some_and(|lease| lease.runs(span) && keeps_out(&lease.owner))
    }

    /// Whether the row is as a writer expects it; the rule of [`Records::swap`].
    #[must_use]
    pub fn matches(&self, expected: &Expected) -> bool {
        let lease = self.lease.as_ref().map(|lease| &lease.owner);
        self.version == expected.version
            && self.state == expected.state
            && self.attempt == expected.attempt
            && (expected.lease.is_none() || expected.lease.as_ref() == lease)
    }

    /// Applies a change, as [`Records::swap`] does.
    pub fn apply(&mut self, change: &Change) {
        self.version.generation = change.generation;
        self.state = change.state;
        self.due = change.due;
        self.attempt.clone_from(&change.attempt);
        if let Some(sealed) = &change.sealed {
            self.sealed = sealed.clone();
        }
    }

    /// Whether a set that a process still has may be written back over this row; the rule of [`Records::restore`].
    #[must_use]
    pub fn is_stale_against(&self, version: &Version) -> bool {
        self.version.connection_id == version.connection_id
            && self.version.generation < version.generation
            && !matches!(self.state, State::Revoking | State::Tombstone)
    }

    /// The few columns that are asked for often.
    #[must_use]
    pub fn head(&self) -> RowVersion {
        RowVersion { version: self.version.clone(), state: self.state }
    }
}

impl From<&NewRow> for Row {
    fn from(new: &NewRow) -> Self {
        Self {
            key: new.key.clone(),
            version: new.version.clone(),
            state: new.state,
            due: new.due,
            attempt: None,
            lease: None,
            limits: new.limits,
            sealed: new.sealed.clone(),
        }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes by {})", self.bytes.len(), self.key_id)
    }
}
