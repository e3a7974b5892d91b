//! The keys in the store, with their rights decrypted.

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    api_key::{
        KeyHash, KeyName, Rights,
        format::{self, RANDOM},
    },
    keys::{self, Keyring, OpenError, Purpose, SealedBy},
    store::{ApiKeyRow, InsertOutcome, Store, StoreError, UpdateOutcome, records::Sealed},
};

/// The keys that were created by `key add`. Cheap to clone.
#[derive(Clone)]
pub struct StoredKeys {
    store: Arc<dyn Store>,
    keyring: Arc<Keyring>,
}

/// The result of adding a key.
pub enum NewKey {
    /// The key, which is stored only as a hash, so this is the only time that it can be read.
    Added(SecretString),
    /// Its name is taken; nothing was changed.
    NameTaken,
}

/// A stored key, as `key list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// Unique among stored keys.
    pub(crate) name: String,
    /// To the minute.
    pub last_used: Option<OffsetDateTime>,
    pub(crate) contents: Result<KeyBody, Unreadable>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyBody {
    pub(crate) rights: Rights,
    /// When it was added, in whole seconds.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created_at: OffsetDateTime,
}

/// How many keys there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyCount {
    /// All of them.
    pub total: usize,
    /// Encrypted by one of EXPRESS_SESSION_PREVIOUS. A server encrypts them again when it starts, and every ten
    /// minutes.
    pub(crate) previous: usize,
    /// Those that cannot be decrypted, and so are refused.
    pub unreadable: usize,
}

impl fmt::Display for KeyCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.total)?;
        if self.previous > 0 {
            let advice = "keep EXPRESS_SESSION_PREVIOUS until a server has encrypted them again";
            write!(f, "; {} encrypted by EXPRESS_SESSION_PREVIOUS ({advice})", self.previous)?;
        }
        if self.unreadable > 0 {
            write!(f, "; {} cannot be decrypted and are refused (see `videoask-auth key list`)", self.unreadable)?;
        }
        Ok(())
    }
}

/// Why a key's rights are unknown. Such a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// They were encrypted by another EXPRESS_SESSION, or not by this app.
    #[error(transparent)]
    Undecryptable(#[from] OpenError),
    #[error("the rights have a form that this program does not know")]
    UnknownForm,
}

pub(super) struct StoredKey {
    pub(super) name: String,
    pub(super) hash: KeyHash,
    pub(super) last_used: Option<OffsetDateTime>,
    pub(super) contents: Result<(KeyBody, SealedBy), Unreadable>,
}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredKeys({:?})", self.store)
    }
}

impl StoredKeys {
    /// The keys in this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, keyring: Arc<Keyring>) -> Self {
        Self { store, keyring }
    }

    /// Creates a key and stores its hash.
    pub async fn add(&self, name: &KeyName, rights: Rights, now: OffsetDateTime) -> Result<NewKey, StoreError> {
        let random = Zeroizing::new(self.keyring.random_bytes::<RANDOM>());
        let key = format::encode(&random);
        let hash = KeyHash::of(secrecy::ExposeSecret::expose_secret(&key).as_bytes());
        let contents = KeyBody { rights, created_at: now.replace_nanosecond(0).unwrap_or(now) };
        let sealed = self.seal(name.as_str(), &hash, &contents);
        let row = ApiKeyRow { name: name.as_str().to_owned(), hash: *hash.bytes(), sealed, last_used: None };
        Ok(match self.store.add_api_key(&row).await? {
            InsertOutcome::Inserted => NewKey::Added(key),
            InsertOutcome::KeyTaken => NewKey::NameTaken,
        })
    }

    /// All keys, by name, without their hashes.
    pub async fn list(&self) -> Result<Vec<ListedKey>, StoreError> {
        let listed = |StoredKey { name, last_used, contents, .. }| ListedKey {
            name,
            last_used,
            contents: contents.map(|(contents, _)| contents),
        };
        Ok(self.load().await?.into_iter().map(listed).collect())
    }

    /// Counts the keys.
    pub async fn count(&self) -> Result<KeyCount, StoreError> {
        let mut count = KeyCount::default();
        for key in self.load().await? {
            count.total += 1;
            match key.contents {
                Ok((_, SealedBy::Current)) => {}
                Ok((_, SealedBy::Previous)) => count.previous += 1,
                Err(_) => count.unreadable += 1,
            }
        }
        Ok(count)
    }

    /// Removes a key. Every process refuses it within 5 s, or once its store responds again.
    pub async fn remove(&self, name: &str) -> Result<UpdateOutcome, StoreError> {
        self.store.remove_api_key(name).await
    }

    /// Encrypts by the current EXPRESS_SESSION what a previous one encrypted, and says how many keys that were.
    pub(crate) async fn reseal(&self) -> Result<usize, StoreError> {
        let mut resealed = 0;
        for StoredKey { name, hash, contents, .. } in self.load().await? {
            if let Ok((contents, SealedBy::Previous)) = contents {
                self.store.reseal_api_key(&name, hash.bytes(), &self.seal(&name, &hash, &contents)).await?;
                resealed += 1;
            }
        }
        Ok(resealed)
    }

    pub(super) async fn load(&self) -> Result<Vec<StoredKey>, StoreError> {
        let rows = self.store.api_keys().await?;
        Ok(rows.into_iter().map(|row| self.decrypted(row)).collect())
    }

    pub(super) async fn note_used(&self, name: &str, hash: &KeyHash, at: OffsetDateTime) -> Result<(), StoreError> {
        // One that was removed meanwhile is not missed.
        self.store.note_api_key_used(name, hash.bytes(), at).await.map(drop)
    }

    fn seal(&self, name: &str, hash: &KeyHash, contents: &KeyBody) -> Sealed {
        let bytes = self.keyring.seal(Purpose::ApiKey, &[name.as_bytes(), hash.bytes()], contents);
        Sealed { key_id: keys::key_id_of(&bytes), bytes, index: None }
    }

    fn decrypted(&self, row: ApiKeyRow) -> StoredKey {
        let ApiKeyRow { name, hash, sealed, last_used } = row;
        let hash = KeyHash::new(hash);
        let contents = self.open(&name, &hash, &sealed);
        StoredKey { name, hash, last_used, contents }
    }

    fn open(&self, name: &str, hash: &KeyHash, sealed: &Sealed) -> Result<(KeyBody, SealedBy), Unreadable> {
        let opened = self.keyring.open(Purpose::ApiKey, &[name.as_bytes(), hash.bytes()], &sealed.bytes)?;
        let contents = serde_json::from_slice(&opened.plaintext).map_err(|_| Unreadable::UnknownForm)?;
        Ok((contents, opened.sealed_by))
    }
}
