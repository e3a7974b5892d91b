//! The stored connection of one user or one browser session, and its encryption (sealing).

pub(crate) mod cause;
pub(crate) mod claims;
pub(crate) mod connection_id;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod observed_life;
pub(crate) mod rotation;
pub(crate) mod token_set;
pub(crate) mod tombstone;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::{Duration, OffsetDateTime};

use crate::{
    keys::{self, Keyring, OpenError, Purpose},
    store::{
        Limits, RowKey,
        records::{NewRow, Row, Sealed, State, Version},
    },
    vault::{
        backoff::{self, Jitter},
        record::{
            cause::{Cause, FailureKind},
            connection_id::ConnectionId,
            history::History,
            identity::Identity,
            observed_life::ObservedLife,
            token_set::TokenSet,
        },
    },
};

/// One connection.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which login or import this is.
    pub connection_id: ConnectionId,
    /// The number of the current token set of this connection, from 1.
    pub(crate) generation: u64,
    /// The part that is encrypted.
    pub body: RecordBody,
}

/// The encrypted part of a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordBody {
    /// The current tokens.
    pub tokens: TokenSet,
    pub(crate) identity: Identity,
    /// Who issued them, and to which client.
    pub(crate) issuer: Issuer,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) minted_at: OffsetDateTime,
    /// What happened to it since then.
    #[serde(default)]
    pub history: History,
}

impl RecordBody {
    /// The age of the login when a refresh last worked.
    pub(crate) fn proven_age(&self) -> Duration {
        self.history.last.as_ref().map_or(Duration::ZERO, |last| last.at - self.minted_at)
    }

    /// What the next login of this user may expect: the life of this one, if VideoAsk ended it, or else what this one
    /// expected, unless it has outlived that.
    pub(crate) fn observed_life(&self, state: State) -> Option<ObservedLife> {
        let failure = self.history.failure.as_ref().filter(|_| state == State::Dead);
        let ended = failure.filter(|failure| failure.cause == Cause::GrantEnded);
        let seen = ended.and_then(|ended| ObservedLife::new(self.proven_age(), ended.since - self.minted_at));
        let expected = self.history.observed_life.filter(|life| !life.is_disproved_at(self.proven_age()));
        seen.or(expected)
    }
}

/// The client id and token endpoint that a refresh token belongs to. It works nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// The OAuth client.
    pub client_id: String,
    /// The endpoint that issued its tokens.
    pub token_endpoint: String,
}

/// Why a stored record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It was encrypted with another secret, or was changed.
    #[error("the stored tokens cannot be decrypted")]
    Sealed(#[from] OpenError),
    /// It was decrypted, but is not a record of this version.
    #[error("the stored tokens are in a format this version does not read")]
    Format(#[source] serde_json::Error),
}

impl Record {
    /// The first token set of a new connection.
    #[must_use]
    pub fn minted(keys: &Keyring, tokens: TokenSet, identity: Identity, issuer: Issuer) -> Self {
        let minted_at = tokens.issued_at;
        Self {
            connection_id: ConnectionId::random(keys),
            generation: 1,
            body: RecordBody { tokens, identity, issuer, minted_at, history: History::default() },
        }
    }

    /// Reads a row back.
    pub fn of_row(keys: &Keyring, row: &Row) -> Result<Self, RecordError> {
        Self::unseal(keys, &row.key, row.version.clone(), &row.sealed.bytes)
    }

    /// This record as a new row without an index. Key, connection id and generation are associated data of
    /// the encryption, so a row that was moved cannot be decrypted.
    #[must_use]
    pub fn new_row(&self, keys: &Keyring, key: &RowKey, state: State, limits: Option<Limits>) -> NewRow {
        self.row_with(self.sealed(keys, key), key, state, limits)
    }

    /// The new row of this record, which is encrypted as `sealed`.
    pub(crate) fn row_with(&self, sealed: Sealed, key: &RowKey, state: State, limits: Option<Limits>) -> NewRow {
        NewRow {
            key: key.clone(),
            version: self.version(),
            state,
            // In mint mode, only the person refreshes.
            due: self.due(state).filter(|_| limits.is_none()),
            limits,
            sealed,
        }
    }

    /// When the keeper should look at this record next.
    pub(crate) fn due(&self, state: State) -> Option<OffsetDateTime> {
        let tokens = &self.body.tokens;
        if !matches!(state, State::Live | State::Blocked) || tokens.refresh_token.is_none() {
            return None;
        }
        let before_expiry = tokens.expires_at - backoff::margin(tokens.life(), self.jitter(0));
        match &self.body.history.failure {
            Some(failure) => match failure.kind() {
                FailureKind::Transient => failure.retry_at.map(|retry| retry.max(before_expiry)),
                FailureKind::Blocked | FailureKind::Dead => failure.retry_at,
            },
            None => Some(before_expiry),
        }
    }

    pub(super) fn jitter(&self, failures: u32) -> Jitter {
        Jitter::by((self.connection_id.as_str(), self.generation, failures))
    }

    pub(crate) fn version(&self) -> Version {
        Version { connection_id: self.connection_id.as_str().to_owned(), generation: self.generation }
    }

    /// The sealed blob of a row at `key`.
    pub(super) fn sealed(&self, keys: &Keyring, key: &RowKey) -> Sealed {
        seal(keys, key, &self.version(), Kind::Connection, &self.body)
    }

    fn unseal(keys: &Keyring, key: &RowKey, version: Version, sealed: &[u8]) -> Result<Self, RecordError> {
        let body = unseal(keys, key, &version, Kind::Connection, sealed)?;
        Ok(Self { connection_id: version.connection_id.into(), generation: version.generation, body })
    }
}

/// What was encrypted. It is associated data, so that a tombstone cannot be taken for a connection.
#[derive(Clone, Copy)]
enum Kind {
    Connection,
    Tombstone,
}

impl Kind {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Connection => b"connection",
            Self::Tombstone => b"tombstone",
        }
    }
}

fn seal(keys: &Keyring, key: &RowKey, version: &Version, kind: Kind, body: &impl Serialize) -> Sealed {
    let generation = version.generation.to_be_bytes();
    let bytes = keys.seal(Purpose::Record, &associated(kind, key, version, &generation), body);
    Sealed { key_id: keys::key_id_of(&bytes), bytes, index: None }
}

fn unseal<T: DeserializeOwned>(
    keys: &Keyring,
    key: &RowKey,
    version: &Version,
    kind: Kind,
    sealed: &[u8],
) -> Result<T, RecordError> {
    let generation = version.generation.to_be_bytes();
    let opened = keys.open(Purpose::Record, &associated(kind, key, version, &generation), sealed)?;
    serde_json::from_slice(&opened.plaintext).map_err(RecordError::Format)
}

fn associated<'a>(kind: Kind, key: &'a RowKey, version: &'a Version, generation: &'a [u8; 8]) -> [&'a [u8]; 4] {
    [kind.label(), key.0.as_bytes(), version.connection_id.as_bytes(), generation]
}
