//! A row, what a writer expects of it, and how it changes.

use std::fmt;

use time::OffsetDateTime;

use crate::store::{Limits, RowKey, index::Index};

/// A stored connection: the encrypted blob, and the columns that the store compares or searches by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The key of a session, a user or an import.
    pub key: RowKey,
    /// The connection, and which of its token sets this is.
    pub version: Version,
    /// What may be done with it.
    pub state: State,
    /// When the keeper should refresh it; `None` means never.
    pub due: Option<OffsetDateTime>,
    /// The exchange that was started and is not closed yet.
    pub attempt: Option<Owner>,
    /// Who works on it, and for how long at most.
    pub lease: Option<Lease>,
    /// The limits of its session. Only a mint-mode record has them.
    pub limits: Option<Limits>,
    /// The encrypted blob.
    pub sealed: Sealed,
}

/// Which token set a row holds. Writers compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// 128 random bits in hex, different for each login and import.
    pub connection_id: String,
    /// Counts the token sets of this connection, from 1.
    pub generation: u64,
}

/// An encrypted blob, and which secret encrypted it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which secret. It reveals nothing of the secret itself.
    pub key_id: KeyId,
    /// The ciphertext.
    pub bytes: Vec<u8>,
    /// What the store finds and counts it by. Mint-mode records have none.
    pub index: Option<Index>,
}

/// The id of an encryption key, in hex.
pub type KeyId = String;

/// What may be done with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its token may be handed out and refreshed.
    Live,
    /// The provider returned `invalid_grant`, or tokens of another user: its token may be handed out until it expires.
    /// After `invalid_grant`, a person may try to refresh it.
    Dead,
    /// The provider refuses the refresh with another code: its token may be handed out, and the refresh is retried.
    Blocked,
    /// A revoke has started: its token may be neither handed out nor refreshed.
    Revoking,
    /// An import whose owner is not known yet.
    Pending,
    /// A record without its secrets. Only a new login replaces it.
    Tombstone,
}

impl State {
    pub(crate) const ALL: [Self; 6] =
        [Self::Live, Self::Dead, Self::Blocked, Self::Revoking, Self::Pending, Self::Tombstone];

    /// The state as `status` and the machine API call it.
    pub(crate) const fn as_str(self) -> &'static str {
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

/// The name of one claim of one process. It is used once, so that a step that arrives late is not mistaken for a later
/// one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner(pub String);

/// Who works on a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The claim that took it.
    pub owner: Owner,
    /// When it expires, by its owner's wall clock.
    pub until: OffsetDateTime,
}

/// Which leases are unexpired, by the wall clock of the caller: those that end after `now` and not after `latest_end`.
/// A lease that ends later was written by a clock that was ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseWindow {
    /// The current time.
    pub now: OffsetDateTime,
    /// One lease length later.
    pub latest_end: OffsetDateTime,
}

/// What a claim does about an attempt that another owner has open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenAttempt {
    /// The claim fails, whatever any clock says.
    Respect,
    /// The claim takes over this attempt, and with it the lease of the same owner. Any other attempt makes it fail.
    TakeOver(Owner),
}

/// The columns that tell whether a cached record is current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowVersion {
    /// As in the row.
    pub version: Version,
    /// As in the row.
    pub state: State,
}

/// The row that a login, an import or a restore writes.
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

/// An index for a row that was written without one, or with one that no longer fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIndex {
    /// Which row.
    pub key: RowKey,
    /// The version that the index was computed from. A row of another version is not changed, since its writer has
    /// written its index.
    pub version: Version,
    /// The index.
    pub index: Index,
}

/// What a row must be for a [`Change`] to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Exactly this version.
    pub version: Version,
    /// Exactly this state: a tombstone has the version of the connection that it replaced.
    pub state: State,
    /// Exactly this attempt is open, or none.
    pub attempt: Option<Owner>,
    /// If given, the row's lease names this owner. The end of the lease does not matter: until another owner claims it,
    /// it belongs to this one.
    pub lease: Option<Owner>,
}

/// How a row changes. Key, connection id, lease and limits stay the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The new generation.
    pub generation: u64,
    /// The new state.
    pub state: State,
    /// The new due time.
    pub due: Option<OffsetDateTime>,
    /// The attempt that is open afterwards, or none.
    pub attempt: Option<Owner>,
    /// The new blob, or `None` to keep the old one.
    pub sealed: Option<Sealed>,
}

impl Lease {
    fn runs(&self, window: LeaseWindow) -> bool {
        self.until > window.now && self.until <= window.latest_end
    }
}

impl OpenAttempt {
    fn takes_over(&self, holder: &Owner) -> bool {
        matches!(self, Self::TakeOver(owner) if owner == holder)
    }
}

impl Row {
    /// Whether this is the tombstone of an import that was moved to its owner.
    pub(crate) fn is_adopted_import(&self) -> bool {
        self.key.is_import() && self.state == State::Tombstone
    }

    /// Whether another owner's attempt or lease makes a claim of `owner` fail: the rule of `Records::claim`.
    #[must_use]
    pub fn is_held(&self, owner: &Owner, window: LeaseWindow, attempt: &OpenAttempt) -> bool {
        let keeps_out = |holder: &Owner| holder != owner && !attempt.takes_over(holder);
        self.attempt.as_ref().is_some_and(keeps_out)
            || self.lease.as_ref().is_some_and(|lease| lease.runs(window) && keeps_out(&lease.owner))
    }

    /// Whether the row is as a writer expects it: the rule of `Records::swap`.
    #[must_use]
    pub fn matches(&self, expected: &Expected) -> bool {
        let lease = self.lease.as_ref().map(|lease| &lease.owner);
        self.version == expected.version
            && self.state == expected.state
            && self.attempt == expected.attempt
            && (expected.lease.is_none() || expected.lease.as_ref() == lease)
    }

    /// Applies a change, as `Records::swap` does.
    pub fn apply(&mut self, change: &Change) {
        self.version.generation = change.generation;
        self.state = change.state;
        self.due = change.due;
        self.attempt.clone_from(&change.attempt);
        if let Some(sealed) = &change.sealed {
            self.sealed = sealed.clone();
        }
    }

    /// Whether a token set of this version may be written back over this row: the rule of `Records::restore`.
    #[must_use]
    pub fn is_stale_against(&self, version: &Version) -> bool {
        self.version.connection_id == version.connection_id
            && self.version.generation < version.generation
            && !matches!(self.state, State::Revoking | State::Tombstone)
    }

    /// The columns that `Records::peek` reads.
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
