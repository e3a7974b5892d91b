//! All keep-mode rows for the operator: no secret, and stable names for machines.

use serde::Serialize;
use time::OffsetDateTime;
use url::Url;

use crate::{
    keys::Purpose,
    store::records::{KeyId, State},
    vault::{
        Vault,
        error::{Undecryptable, VaultError},
        record::tombstone::Tombstone,
        report::{
            FailureReport, Report,
            status::{ListEntry, Status},
            user_index::is_connection,
            whole,
        },
    },
};

/// All keep-mode rows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inventory {
    /// Where a person logs in again.
    pub login_url: String,
    /// Connections of users.
    pub connections: Vec<Report>,
    /// Imports that have no owner yet.
    pub imports: Vec<ImportReport>,
    /// What is left of connections that were revoked or forgotten.
    pub forgotten: Vec<Forgotten>,
    /// Rows that this process cannot decrypt.
    pub unreadable: Vec<Unreadable>,
    /// How many rows each secret encrypted.
    pub sealed_by: SealingKeyUsage,
}

/// An import without an owner.
#[derive(Clone, Debug, Serialize)]
pub struct ImportReport {
    /// The name of its state.
    pub state: &'static str,
    /// When it was started.
    #[serde(with = "time::serde::rfc3339")]
    pub begun_at: OffsetDateTime,
    /// When its token was exchanged, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub exchanged_at: Option<OffsetDateTime>,
    /// Why it failed, if it did.
    #[serde(rename = "trouble")]
    pub failure: Option<FailureReport>,
}

/// A connection that was revoked or forgotten.
#[derive(Clone, Debug, Serialize)]
pub struct Forgotten {
    /// E-mail, name or id.
    pub user: Option<String>,
    /// VideoAsk's own id of the user.
    pub user_id: Option<String>,
    /// When the login or import was.
    #[serde(with = "time::serde::rfc3339")]
    pub minted_at: OffsetDateTime,
    /// When its secrets were removed.
    #[serde(with = "time::serde::rfc3339")]
    pub forgotten_at: OffsetDateTime,
}

/// A row that this process cannot decrypt. It is left as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Unreadable {
    /// Its key, which names its user.
    pub key: String,
    /// The name of its state.
    pub state: &'static str,
    /// Whether it is a user's connection, not a tombstone or an import.
    #[serde(skip)]
    pub is_connection: bool,
}

/// How many rows each secret encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SealingKeyUsage {
    /// `EXPRESS_SESSION`.
    pub current: u64,
    /// Each of `EXPRESS_SESSION_PREVIOUS`, in its order.
    pub previous: Vec<u64>,
    /// A secret that this process does not have.
    pub unknown: u64,
}

impl Vault {
    /// Lists the store. `login_url` is where a person logs in again.
    pub async fn inventory(&self, login_url: &Url) -> Result<Inventory, VaultError> {
        let now = self.0.clock.now();
        let (login_url, sealed_by) = (login_url.to_string(), self.sealing_key_usage().await?);
        let mut inventory = Inventory { login_url, sealed_by, ..Inventory::default() };
        for listed in self.list().await? {
            inventory.add(listed, now);
        }
        Ok(inventory)
    }

    /// Whether the connection that a name means is live or blocked.
    pub async fn is_live(&self, name: &str) -> Result<bool, VaultError> {
        let key = match self.find(name).await {
            Err(VaultError::NotConnected | VaultError::Undecryptable(_)) => return Ok(false),
            found => found?,
        };
        let head = self.call_store(self.0.store.peek(&key)).await?;
        Ok(head.is_some_and(|head| matches!(head.state, State::Live | State::Blocked)))
    }

    /// Whether the connection of this name was revoked or forgotten: only its tombstone is left.
    pub async fn is_forgotten(&self, name: &str) -> Result<bool, VaultError> {
        let listed = self.list().await?;
        Ok(listed
            .iter()
            .any(|listed| matches!(listed, ListEntry::Tombstone(_, tombstone) if tombstone.identity.is_called(name))))
    }

    async fn sealing_key_usage(&self) -> Result<SealingKeyUsage, VaultError> {
        let counts = self.call_store(self.0.store.count_by_sealing_key()).await?;
        let own: Vec<KeyId> = self.0.keys.key_ids(Purpose::Record).collect();
        Ok(SealingKeyUsage::count(&counts, &own))
    }
}

impl Inventory {
    /// How many connections cannot be decrypted, if any.
    #[must_use]
    pub fn undecryptable(&self) -> Option<Undecryptable> {
        let count = self.unreadable.iter().filter(|row| row.is_connection).count();
        (count > 0).then_some(Undecryptable(count))
    }

    fn add(&mut self, listed: ListEntry, now: OffsetDateTime) {
        match listed {
            // `import` has reported the refusal.
            ListEntry::Connection(status) if status.key.is_import() && status.state == State::Dead => {}
            ListEntry::Connection(status) if status.key.is_import() => self.imports.push(ImportReport::of(&status)),
            ListEntry::Connection(status) => self.connections.push(Report::of(&status, now)),
            ListEntry::Tombstone(_, tombstone) => self.forgotten.push(Forgotten::of(*tombstone)),
            ListEntry::Unreadable(key, state) => {
                let is_connection = is_connection(&key, state);
                self.unreadable.push(Unreadable { key: key.0, state: state.word(), is_connection });
            }
        }
    }
}

impl ImportReport {
    fn of(status: &Status) -> Self {
        let Status { state, minted_at, history, .. } = status;
        Self {
            state: state.word(),
            begun_at: whole(*minted_at),
            exchanged_at: history.last.as_ref().map(|last| whole(last.at)),
            failure: FailureReport::of(status),
        }
    }
}

impl Forgotten {
    fn of(tombstone: Tombstone) -> Self {
        let Tombstone { identity, minted_at, removed_at, .. } = tombstone;
        Self {
            user: identity.label().map(str::to_owned),
            user_id: identity.user_id,
            minted_at: whole(minted_at),
            forgotten_at: whole(removed_at),
        }
    }
}

impl SealingKeyUsage {
    fn count(counts: &[(KeyId, u64)], own: &[KeyId]) -> Self {
        let by = |id: &KeyId| counts.iter().find(|(key_id, _)| key_id == id).map_or(0, |(_, count)| *count);
        let used: Vec<u64> = own.iter().map(by).collect();
        let unknown = counts.iter().filter(|(key_id, _)| !own.contains(key_id)).map(|(_, count)| count).sum();
        let (current, previous) = used.split_first().map_or((0, Vec::new()), |(first, rest)| (*first, rest.to_vec()));
        Self { current, previous, unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_is_counted_by_its_place_and_the_rest_as_unknown() {
        let counts = [("b".to_owned(), 2), ("x".to_owned(), 3), ("a".to_owned(), 5), ("y".to_owned(), 7)];
        let own = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(
            SealingKeyUsage::count(&counts, &own),
            SealingKeyUsage { current: 5, previous: vec![2, 0], unknown: 10 }
        );
    }
}
