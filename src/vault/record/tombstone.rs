//! What is left of a connection that was revoked or forgotten.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    keys::Keyring,
    store::{
        RowKey,
        records::{Row, Sealed, Version},
    },
    vault::record::{Kind, Record, RecordBody, RecordError, history::History, identity::Identity, seal, unseal},
};

/// A record without its secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tombstone {
    /// The user of the connection.
    pub identity: Identity,
    /// When the login or import was.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub minted_at: OffsetDateTime,
    /// When the secrets were removed.
    #[serde(rename = "buried_at", with = "time::serde::timestamp::milliseconds")]
    pub removed_at: OffsetDateTime,
    /// What happened to the connection.
    pub history: History,
}

impl Tombstone {
    pub(crate) fn of(record: &Record, removed_at: OffsetDateTime) -> Self {
        let RecordBody { identity, minted_at, history, .. } = record.body.clone();
        Self { identity, minted_at, removed_at, history }
    }

    /// The encrypted tombstone of a row at `key`.
    pub(crate) fn sealed(&self, keys: &Keyring, key: &RowKey, version: &Version) -> Sealed {
        seal(keys, key, version, Kind::Tombstone, self)
    }

    pub(crate) fn of_row(keys: &Keyring, row: &Row) -> Result<Self, RecordError> {
        unseal(keys, &row.key, &row.version, Kind::Tombstone, &row.sealed.bytes)
    }
}
