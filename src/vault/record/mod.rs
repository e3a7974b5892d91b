//! The stored connection of one user or one browser session, and its sealing.

pub(crate) mod cause;
pub(crate) mod connection_id;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod token_set;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    keys::{self, Keyring, OpenError, Purpose},
    store::{
        Limits, RowKey,
        records::{NewRow, Row, Sealed, State, Version},
    },
    vault::{ConnectionId, History, Identity, TokenSet},
};

/// One connection.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which login or import this is.
    pub connection_id: ConnectionId,
    /// Counts the token sets of this connection, from 1.
    pub generation: u64,
    /// What is sealed.
    pub body: RecordBody,
}

/// What lies in the sealed blob.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordBody {
    /// The current tokens.
    pub tokens: TokenSet,
    /// Whose they are.
    pub identity: Identity,
    /// Who gave them, and to which client.
    pub issuer: Issuer,
    /// When the login or import was.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub minted_at: OffsetDateTime,
    /// What happened to it since.
    #[serde(default)]
    pub history: History,
}

/// The client id and token endpoint a refresh token belongs to. It is worth nothing anywhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// The OAuth client.
    pub client_id: String,
    /// Where its tokens come from.
    pub token_endpoint: String,
}

/// Why a stored record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It does not open: another secret, or changed.
    #[error("the stored tokens cannot be opened")]
    Sealed(#[from] OpenError),
    /// It opens, but not as a record of this version.
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

    /// This record as a whole new row: a login's, or one to write back. Key, connection id and generation are bound to
    /// it by the sealing, so a row moved elsewhere does not open.
    #[must_use]
    pub fn new_row(&self, keys: &Keyring, key: &RowKey, state: State, limits: Option<Limits>) -> NewRow {
        NewRow {
            key: key.clone(),
            version: self.version(),
            state,
            // A mint record is refreshed by its person only.
            due: self.due(state).filter(|_| limits.is_none()),
            limits,
            sealed: self.sealed(keys, key),
        }
    }

    /// What writers compare.
    #[must_use]
    pub fn version(&self) -> Version {
        Version { connection_id: self.connection_id.as_str().to_owned(), generation: self.generation }
    }

    /// The sealed blob of a row at `key`.
    ///
    /// # Panics
    /// Never: the contents have only string keys, which JSON can always write.
    #[must_use]
    pub(super) fn sealed(&self, keys: &Keyring, key: &RowKey) -> Sealed {
        seal(keys, key, &self.version(), Kind::Connection, &self.body)
    }

    fn unseal(keys: &Keyring, key: &RowKey, version: Version, sealed: &[u8]) -> Result<Self, RecordError> {
        let body = unseal(keys, key, &version, Kind::Connection, sealed)?;
        Ok(Self { connection_id: version.connection_id.into(), generation: version.generation, body })
    }
}

/// What a tombstone keeps: whose it was and what happened, and no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tombstone {
    /// Whose connection it was.
    pub identity: Identity,
    /// When its login or import was.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub minted_at: OffsetDateTime,
    /// When its secrets were removed.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub buried_at: OffsetDateTime,
    /// What happened to it.
    pub history: History,
}

impl Tombstone {
    /// What is left of a record.
    #[must_use]
    pub(super) fn of(record: &Record, buried_at: OffsetDateTime) -> Self {
        let RecordBody { identity, minted_at, history, .. } = record.body.clone();
        Self { identity, minted_at, buried_at, history }
    }

    /// The sealed blob of a tombstone at `key`.
    pub(super) fn sealed(&self, keys: &Keyring, key: &RowKey, version: &Version) -> Sealed {
        seal(keys, key, version, Kind::Tombstone, self)
    }

    /// Reads a tombstone back.
    pub(super) fn of_row(keys: &Keyring, row: &Row) -> Result<Self, RecordError> {
        unseal(keys, &row.key, &row.version, Kind::Tombstone, &row.sealed.bytes)
    }
}

/// What a blob holds; bound by the sealing, so that a tombstone cannot be shown as a connection.
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
    let plaintext =
        Zeroizing::new(serde_json::to_vec(body).expect("the contents have only string keys, so JSON can write them"));
    let generation = version.generation.to_be_bytes();
    let bytes = keys.seal(Purpose::Record, &associated(kind, key, version, &generation), &plaintext);
    Sealed { key_id: keys::sealing_key(&bytes), bytes }
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
