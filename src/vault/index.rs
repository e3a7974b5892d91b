//! What the store finds and counts records by: hashed names, and a label. A record is encrypted and indexed together.
//!
//! A row may lack an index, or have an outdated one, if a program of an earlier version wrote it or a process with another
//! list of users. It gets a new one before anything is found or counted.

use crate::{
    keys::{Keyring, OpenError, Purpose},
    store::{
        Index, Limits, NameHash, Names, NewIndex, RowCounts, RowGroup, RowKey,
        records::{KeyId, NewRow, Page, Row, Sealed, State, Version},
    },
    vault::{
        Vault,
        error::VaultError,
        label::{Label, PolicyId},
        record::{Issuer, Record, RecordError, identity::Identity, tombstone::Tombstone},
        report::obstacle::Obstacle,
        settings::Settings,
    },
};

/// How many rows get another index in one step.
const PAGE: u32 = 200;

/// The policies of the current secret and of each previous one.
pub(super) fn policies(keys: &Keyring, settings: &Settings) -> Vec<PolicyId> {
    let Issuer { client_id, token_endpoint } = &settings.issuer;
    let lifetime = format!("{:?}", settings.login_lifetime);
    let policy = ["policy", settings.refresh_policy.list(), client_id, token_endpoint, &lifetime].join("\n");
    keys.hmacs(Purpose::Index, policy)
        .map(|hmac| format!("{:08x}", u32::from_be_bytes([hmac[0], hmac[1], hmac[2], hmac[3]])))
        .collect()
}

/// What a group of rows is for this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// The tombstone of an import that was moved to its owner.
    AdoptedImport,
    Import,
    /// A connection, or its tombstone, and why it is not used.
    Connection(Option<Obstacle>),
    UnreadableImport,
    Unreadable,
}

/// A name, as it is hashed. E-mails are equal in any ASCII case, and are never mistaken for an id.
enum Name<'a> {
    Id(&'a str),
    Email(&'a str),
}

impl Name<'_> {
    fn text(&self) -> String {
        match self {
            Self::Id(id) => format!("id\n{id}"),
            Self::Email(email) => format!("email\n{}", email.to_ascii_lowercase()),
        }
    }

    /// By the current secret, and by each previous one.
    fn hashes(&self, keys: &Keyring) -> Vec<NameHash> {
        keys.hmacs(Purpose::Index, self.text()).map(shortened).collect()
    }
}

/// Half of the HMAC is enough, since each row that is found is decrypted and compared.
fn shortened(hmac: [u8; 32]) -> NameHash {
    let (half, _) = hmac.split_first_chunk().expect("an HMAC has 32 bytes");
    NameHash(*half)
}

/// Hashed by the secret that encrypted the record, so that a process which can decrypt it finds it.
fn names(keys: &Keyring, key_id: &KeyId, identity: &Identity) -> Names {
    let secret = keys.key_ids(Purpose::Record).position(|own| own == *key_id).unwrap_or_default();
    let hash = |name: Name<'_>| name.hashes(keys).swap_remove(secret);
    Names {
        user_id: identity.user_id.as_deref().map(|id| hash(Name::Id(id))),
        sub: identity.sub.as_deref().map(|id| hash(Name::Id(id))),
        email: identity.proven_email().map(|email| hash(Name::Email(email))),
    }
}

impl Vault {
    /// The rows of users, tombstones too, that an e-mail, `user_id` or `sub` may mean. Its owner is looked at after
    /// decryption.
    pub(super) async fn rows_of(&self, name: &str) -> Result<Vec<Row>, VaultError> {
        let keys = &self.0.keys;
        let names = [Name::Id(name).hashes(keys), Name::Email(name).hashes(keys)].concat();
        self.call_store(self.0.store.find(&names)).await
    }

    pub(super) async fn rows_of_email(&self, email: &str) -> Result<Vec<Row>, VaultError> {
        self.call_store(self.0.store.find(&Name::Email(email).hashes(&self.0.keys))).await
    }

    /// Encrypts a record, with its index. One that ends with a session has none.
    pub(super) fn seal(&self, key: &RowKey, record: &Record) -> Sealed {
        let sealed = record.sealed(&self.0.keys, key);
        let index = key.outlives_session().then(|| self.index(key, &sealed.key_id, record));
        Sealed { index, ..sealed }
    }

    pub(super) fn seal_tombstone(&self, key: &RowKey, version: &Version, tombstone: &Tombstone) -> Sealed {
        let sealed = tombstone.sealed(&self.0.keys, key, version);
        let index = key.outlives_session().then(|| self.tombstone_index(key, &sealed.key_id, tombstone));
        Sealed { index, ..sealed }
    }

    /// A record as a new row, of a login or to write back.
    pub(super) fn new_row(&self, key: &RowKey, record: &Record, state: State, limits: Option<Limits>) -> NewRow {
        record.row_with(self.seal(key, record), key, state, limits)
    }

    /// How many rows there are. Each label that this process can read is by its own policy.
    pub(super) async fn counts(&self) -> Result<RowCounts, VaultError> {
        let counts = self.call_store(self.0.store.counts()).await?;
        if counts.unindexed == 0 && counts.groups.iter().all(|group| self.fits(&group.key_id, &group.label)) {
            return Ok(counts);
        }
        self.reindex().await?;
        self.call_store(self.0.store.counts()).await
    }

    /// Indexes, once, the rows whose names are not indexed, so that none is missed.
    pub(super) async fn ensure_indexed(&self) -> Result<(), VaultError> {
        let index = || async {
            let counts = self.call_store(self.0.store.counts()).await?;
            if self.misses_names(&counts) { self.reindex().await } else { Ok(()) }
        };
        self.0.indexed.get_or_try_init(index).await.copied()
    }

    /// Whether there are rows whose names this process could index.
    pub(super) fn misses_names(&self, counts: &RowCounts) -> bool {
        counts.unindexed > 0
            || counts
                .groups
                .iter()
                .any(|group| self.label(&group.label) == Some(Label::Unreadable) && self.has_key(&group.key_id))
    }

    pub(super) fn kind_of(&self, group: &RowGroup) -> RowKind {
        match (self.label(&group.label), self.has_key(&group.key_id)) {
            (Some(Label::Import), _) if group.state == State::Tombstone => RowKind::AdoptedImport,
            (Some(Label::Import), true) => RowKind::Import,
            (Some(Label::Import), false) => RowKind::UnreadableImport,
            (Some(Label::Unreadable | Label::Damaged), _) | (_, false) => RowKind::Unreadable,
            (Some(Label::Connection(obstacle)), true) => RowKind::Connection(obstacle),
            (Some(Label::Tombstone) | None, true) => RowKind::Connection(None),
        }
    }

    pub(super) fn count_undecryptable(&self, counts: &RowCounts) -> usize {
        let rows = counts
            .groups
            .iter()
            .filter(|group| group.state != State::Tombstone && self.kind_of(group) == RowKind::Unreadable);
        rows.map(|group| usize::try_from(group.rows).unwrap_or(usize::MAX)).sum()
    }

    /// Whether this process could not give rows like this a better index.
    fn fits(&self, key_id: &KeyId, label: &str) -> bool {
        !self.has_key(key_id) || !matches!(self.label(label), None | Some(Label::Unreadable))
    }

    /// A stored label, unless it is of another policy.
    fn label(&self, text: &str) -> Option<Label> {
        Label::decode(text, &self.0.policies)
    }

    fn has_key(&self, key_id: &KeyId) -> bool {
        self.0.keys.key_ids(Purpose::Record).any(|own| own == *key_id)
    }

    /// Gives a new index to the rows that need one.
    pub(super) async fn reindex(&self) -> Result<(), VaultError> {
        let mut after = None;
        loop {
            let page = Page { after: after.as_ref(), limit: PAGE };
            let rows = self.call_store(self.0.store.list(page)).await?;
            let indexes: Vec<_> = rows.iter().filter_map(|row| self.better_index(row)).collect();
            if !indexes.is_empty() {
                self.call_store(self.0.store.reindex(&indexes)).await?;
            }
            let last = rows.len() < PAGE as usize;
            after = rows.into_iter().next_back().map(|row| row.key);
            if last {
                return Ok(());
            }
        }
    }

    fn better_index(&self, row: &Row) -> Option<NewIndex> {
        if row.sealed.index.as_ref().is_some_and(|index| self.fits(&row.sealed.key_id, &index.label)) {
            return None;
        }
        let keys = &self.0.keys;
        let index = match row.state {
            State::Tombstone => Tombstone::of_row(keys, row)
                .map(|tombstone| self.tombstone_index(&row.key, &row.sealed.key_id, &tombstone)),
            State::Live | State::Dead | State::Blocked | State::Revoking | State::Pending => {
                Record::of_row(keys, row).map(|record| self.index(&row.key, &row.sealed.key_id, &record))
            }
        };
        let index = index.unwrap_or_else(|error| match error {
            _ if row.key.is_import() => self.labelled(Label::Import, Names::default()),
            RecordError::Sealed(OpenError::UnknownKey) => self.labelled(Label::Unreadable, Names::default()),
            RecordError::Sealed(_) | RecordError::Format(_) => self.labelled(Label::Damaged, Names::default()),
        });
        Some(NewIndex { key: row.key.clone(), version: row.version.clone(), index })
    }

    fn index(&self, key: &RowKey, key_id: &KeyId, record: &Record) -> Index {
        if key.is_import() {
            return self.labelled(Label::Import, Names::default());
        }
        let obstacle = self.obstacle(record);
        let login_end = self.login_end(&record.body, State::Live, obstacle).map(|end| end.at);
        let names = names(&self.0.keys, key_id, &record.body.identity);
        Index { login_end, ..self.labelled(Label::Connection(obstacle), names) }
    }

    fn tombstone_index(&self, key: &RowKey, key_id: &KeyId, tombstone: &Tombstone) -> Index {
        if key.is_import() {
            return self.labelled(Label::Import, Names::default());
        }
        self.labelled(Label::Tombstone, names(&self.0.keys, key_id, &tombstone.identity))
    }

    fn labelled(&self, label: Label, names: Names) -> Index {
        let policy = self.0.policies.first().expect("there is a current secret");
        Index { label: label.encode(policy), login_end: None, names }
    }
}
