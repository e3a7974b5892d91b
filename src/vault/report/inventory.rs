//! All keep-mode rows for the operator. It contains no secret, and its JSON names are stable.

use std::collections::BTreeSet;

use serde::Serialize;
use time::OffsetDateTime;
use url::Url;

use crate::{
    keys::Purpose,
    store::{
        RowCounts, RowKey,
        records::{KeyId, State},
    },
    times::whole_seconds,
    vault::{
        Vault,
        error::{Undecryptable, VaultError},
        record::tombstone::Tombstone,
        report::{
            attention::Attention,
            connection_report::{FailureReport, Report},
            list::{ListEntry, Part, WHOLE_PART, is_connection},
            status::Status,
        },
    },
};

#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Inventory {
    pub(crate) login_url: String,
    pub(crate) connections: Vec<Report>,
    pub(crate) imports: Vec<ImportReport>,
    pub(crate) forgotten: Vec<Forgotten>,
    pub(crate) unreadable: Vec<Unreadable>,
    pub(crate) sealed_by: SealingKeyUsage,
    /// Where the next part begins; `None` at the end.
    pub(crate) next: Option<String>,
    /// How many connections cannot be decrypted, in all parts.
    #[serde(skip)]
    undecryptable: usize,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ImportReport {
    pub(crate) state: &'static str,
    #[serde(rename = "begun_at", with = "time::serde::rfc3339")]
    pub(crate) started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) exchanged_at: Option<OffsetDateTime>,
    #[serde(rename = "trouble")]
    pub(crate) failure: Option<FailureReport>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Forgotten {
    /// E-mail, name or id.
    pub(crate) user: Option<String>,
    pub(crate) user_id: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) minted_at: OffsetDateTime,
    #[serde(rename = "forgotten_at", with = "time::serde::rfc3339")]
    pub(crate) removed_at: OffsetDateTime,
}

/// A row that this process cannot decrypt. It is left as it is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unreadable {
    /// Its key, which names its user.
    pub(crate) key: String,
    pub(crate) state: &'static str,
    /// Whether it is a user's connection, not a tombstone or an import.
    #[serde(skip)]
    pub(crate) is_connection: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SealingKeyUsage {
    pub(crate) current: u64,
    /// Each of `EXPRESS_SESSION_PREVIOUS`, in its order.
    pub(crate) previous: Vec<u64>,
    /// A secret that this process does not have.
    pub(crate) unknown: u64,
}

impl Vault {
    /// Lists a part of the store. `login_url` is where a person logs in again.
    pub(crate) async fn inventory(&self, login_url: &Url, part: Part) -> Result<Inventory, VaultError> {
        let counts = self.counts().await?;
        let (entries, next) = self.entries(part).await?;
        let mut inventory = Inventory {
            sealed_by: self.sealing_key_usage(&counts),
            undecryptable: self.count_undecryptable(&counts),
            next: next.map(|key| key.0),
            ..Inventory::new(login_url)
        };
        for entry in entries {
            inventory.add(entry, self.0.clock.now());
        }
        Ok(inventory)
    }

    pub(crate) async fn attention(&self, login_url: &Url) -> Result<Attention, VaultError> {
        let (mut attention, mut after) = (Attention::None, None);
        loop {
            let inventory = self.inventory(login_url, Part { after, limit: WHOLE_PART }).await?;
            attention = attention.max(inventory.attention());
            after = inventory.next;
            if after.is_none() {
                return Ok(attention);
            }
        }
    }

    /// Lists a part of these connections alone.
    pub(crate) async fn inventory_of(
        &self,
        login_url: &Url,
        connections: BTreeSet<RowKey>,
        part: Part,
    ) -> Result<Inventory, VaultError> {
        let mut inventory = Inventory::new(login_url);
        let mut rest = connections.into_iter().filter(|key| part.after.as_ref().is_none_or(|after| key.0 > *after));
        let listed: Vec<_> = rest.by_ref().take(part.limit).collect();
        inventory.next = rest.next().and_then(|_| listed.last().map(|key| key.0.clone()));
        for key in listed {
            let row = self.call_store(self.0.store.read(&key)).await?;
            if let Some(entry @ ListEntry::Connection(_)) = row.map(|row| self.describe(&row)) {
                inventory.add(entry, self.0.clock.now());
            }
        }
        Ok(inventory)
    }

    /// Whether the connection that a name means is live or blocked.
    pub(crate) async fn is_live(&self, name: &str) -> Result<bool, VaultError> {
        let key = match self.find(name).await {
            Err(VaultError::NotConnected | VaultError::Undecryptable(_)) => return Ok(false),
            found => found?,
        };
        let head = self.call_store(self.0.store.peek(&key)).await?;
        Ok(head.is_some_and(|head| matches!(head.state, State::Live | State::Blocked)))
    }

    /// Whether the connection of this name was revoked or forgotten: only its tombstone is left.
    pub(crate) async fn is_forgotten(&self, name: &str) -> Result<bool, VaultError> {
        self.ensure_indexed().await?;
        let rows = self.rows_of(name).await?;
        Ok(rows.iter().any(
            |row| matches!(self.describe(row), ListEntry::Tombstone(tombstone) if tombstone.identity.is_called(name)),
        ))
    }

    fn sealing_key_usage(&self, counts: &RowCounts) -> SealingKeyUsage {
        let own: Vec<KeyId> = self.0.keys.key_ids(Purpose::Record).collect();
        SealingKeyUsage::count(counts.groups.iter().map(|group| (&group.key_id, group.rows)), &own)
    }
}

impl Inventory {
    fn new(login_url: &Url) -> Self {
        Self { login_url: login_url.to_string(), ..Self::default() }
    }

    pub(crate) fn undecryptable(&self) -> Option<Undecryptable> {
        // One that was damaged since it was counted is only noticed when it is listed.
        let count = self.unreadable.iter().filter(|row| row.is_connection).count().max(self.undecryptable);
        (count > 0).then_some(Undecryptable(count))
    }

    /// Whether any connection needs a person. One that cannot be decrypted does.
    pub(crate) fn attention(&self) -> Attention {
        let undecryptable = self.undecryptable().map(|_| Attention::Now);
        let needed = self.connections.iter().map(|report| report.attention).chain(undecryptable);
        needed.max().unwrap_or(Attention::None)
    }

    fn add(&mut self, listed: ListEntry, now: OffsetDateTime) {
        match listed {
            // `import` has reported the refusal.
            ListEntry::Connection(status) if status.key.is_import() && status.state == State::Dead => {}
            ListEntry::Connection(status) if status.key.is_import() => self.imports.push(ImportReport::of(&status)),
            ListEntry::Connection(status) => self.connections.push(Report::of(&status, now)),
            ListEntry::Tombstone(tombstone) => self.forgotten.push(Forgotten::of(*tombstone)),
            ListEntry::Unreadable(key, state) => {
                let is_connection = is_connection(&key, state);
                self.unreadable.push(Unreadable { key: key.0, state: state.as_str(), is_connection });
            }
        }
    }
}

impl ImportReport {
    fn of(status: &Status) -> Self {
        let Status { state, minted_at, history, .. } = status;
        Self {
            state: state.as_str(),
            started_at: whole_seconds(*minted_at),
            exchanged_at: history.last.as_ref().map(|last| whole_seconds(last.at)),
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
            minted_at: whole_seconds(minted_at),
            removed_at: whole_seconds(removed_at),
        }
    }
}

impl SealingKeyUsage {
    fn count<'a>(counts: impl Iterator<Item = (&'a KeyId, u64)>, own: &[KeyId]) -> Self {
        let mut usage = Self { previous: vec![0; own.len().saturating_sub(1)], ..Self::default() };
        for (key_id, rows) in counts {
            match own.iter().position(|own| own == key_id) {
                Some(0) => usage.current += rows,
                Some(place) => usage.previous[place - 1] += rows,
                None => usage.unknown += rows,
            }
        }
        usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_is_counted_by_its_place_and_the_rest_as_unknown() {
        let counts =
            [("b".to_owned(), 2), ("x".to_owned(), 3), ("a".to_owned(), 4), ("a".to_owned(), 1), ("y".to_owned(), 7)];
        let own = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(
            SealingKeyUsage::count(counts.iter().map(|(key_id, rows)| (key_id, *rows)), &own),
            SealingKeyUsage { current: 5, previous: vec![2, 0], unknown: 10 }
        );
    }
}
