//! The stored connection of one user or one browser session, and its sealing.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    keys::{self, Keyring, OpenError, Purpose},
    store::{
        Limits, RowKey,
        records::{NewRow, Row, Sealed, State, Version},
    },
};

use super::{ConnectionId, Identity, TokenSet};

/// One connection.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which login or import this is.
    pub connection_id: ConnectionId,
    /// Counts the token sets of this connection, from 1.
    pub generation: u64,
    /// What is sealed.
    pub contents: Contents,
}

/// What lies in the sealed blob.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// The current tokens.
    pub tokens: TokenSet,
    /// Whose they are.
    pub identity: Identity,
    /// Who gave them, and to which client.
    pub issuer: Issuer,
    /// When the login or import was.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub minted_at: OffsetDateTime,
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
            contents: Contents { tokens, identity, issuer, minted_at },
        }
    }

    /// The row that stores this record. Key, connection id and generation are bound to it by the sealing, so a row
    /// moved elsewhere does not open.
    ///
    /// # Panics
    /// Never: the contents have only string keys, which JSON can always write.
    #[must_use]
    pub fn seal(&self, keys: &Keyring, key: RowKey, limits: Option<Limits>) -> NewRow {
        let plaintext = Zeroizing::new(
            serde_json::to_vec(&self.contents).expect("contents have only string keys, so JSON can write them"),
        );
        let connection_id = self.connection_id.as_str();
        let bytes =
            keys.seal(Purpose::Record, &associated(&key, connection_id, &self.generation.to_be_bytes()), &plaintext);
        let version = Version { connection_id: connection_id.to_owned(), generation: self.generation };
        let sealed = Sealed { key_id: keys::sealing_key(&bytes), bytes };
        NewRow { key, version, state: State::Live, due: None, limits, sealed }
    }

    /// Reads a row back.
    pub fn open(keys: &Keyring, row: &Row) -> Result<Self, RecordError> {
        let Version { connection_id, generation } = &row.version;
        let generation_bytes = generation.to_be_bytes();
        let associated = associated(&row.key, connection_id, &generation_bytes);
        let opened = keys.open(Purpose::Record, &associated, &row.sealed.bytes)?;
        Ok(Self {
            connection_id: connection_id.clone().into(),
            generation: *generation,
            contents: serde_json::from_slice(&opened.plaintext).map_err(RecordError::Format)?,
        })
    }
}

fn associated<'a>(key: &'a RowKey, connection_id: &'a str, generation: &'a [u8; 8]) -> [&'a [u8]; 3] {
    [key.0.as_bytes(), connection_id.as_bytes(), generation]
}
