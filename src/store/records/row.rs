//! A row, what it may be expected to be, and how it changes.

use std::fmt;

use time::OffsetDateTime;

use crate::store::{Limits, RowKey, index::Index};

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
    pub(crate) const ALL: [Self; 6] =
        [Self::Live, Self::Dead, Self::Blocked, Self::Revoking, Self::Pending, Self::Tombstone];

    /// The state as `status` and the machine API call it.
    #[must_use]
    pub(crate) const fn word(self) -> &'static str {
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
    /// Whether this is what is left of an import that has its owner.
    pub(crate) fn is_adopted_import(&self) -> bool {
        self.key.is_import() && self.state == State::Tombstone
    }

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
