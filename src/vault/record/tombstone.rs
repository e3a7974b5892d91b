//! A tombstone: the record of a connection that was revoked or forgotten.

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

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tombstone {
    pub(crate) identity: Identity,
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub(crate) minted_at: OffsetDateTime,
    #[serde(rename = "buried_at", with = "time::serde::timestamp::milliseconds")]
    pub(crate) removed_at: OffsetDateTime,
    pub(crate) history: History,
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
