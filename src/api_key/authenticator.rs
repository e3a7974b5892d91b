//! Which key a request carries.
//!
//! Keys of the environment are compared in constant time. A stored key is looked up by its SHA-256 in a list that is
//! read from the store at most every 5 s, so adding and removing keys takes effect that soon. While the store does not
//! respond, the last list is used for up to an hour.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConditionallySelectable;
use time::OffsetDateTime;

use crate::{
    api_key::{KeyHash, KeyName, Rights, StoredKeys, format, stored::StoredKey},
    clock::Clock,
    telemetry,
};

/// How long a list of keys is used without asking the store.
const CACHE_TTL: Duration = Duration::from_secs(5);
/// How long it is used while the store does not respond.
const STALE_TTL: Duration = Duration::from_secs(60 * 60);
/// How long a store that did not respond is not asked again.
const STALE_RETRY: Duration = Duration::from_secs(1);
/// How long the store may take to list the keys.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);
const MINUTE: i64 = 60;
/// No time has this minute.
const NEVER: i64 = i64::MIN;

/// Finds the key that a request carries.
pub(crate) struct Authenticator {
    environment: Vec<(KeyHash, Arc<Caller>)>,
    stored: StoredKeys,
    clock: Clock,
    list: Mutex<List>,
    /// Held by the caller that reads the list, while the others wait for it.
    reading: tokio::sync::Mutex<()>,
}

/// The stored keys that can be decrypted.
#[derive(Default)]
struct List {
    keys: HashMap<KeyHash, Arc<Caller>>,
    /// When the store was asked for it, by the boot-time clock.
    read_at: Option<Duration>,
    failed_at: Option<Duration>,
}

pub(crate) struct Caller {
    name: String,
    rights: Rights,
    /// The minute of the last use that this process has tried to save.
    last_noted_minute: AtomicI64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthenticationError {
    /// Neither a key of the environment nor a stored one; removed, perhaps.
    #[error("the API key is unknown")]
    Unknown,
    #[error("the API key has expired")]
    Expired,
    /// It may be a stored key, but the store does not respond.
    #[error("the store does not respond")]
    StoreUnavailable,
}

impl Caller {
    fn new(name: String, rights: Rights, last_noted_minute: i64) -> Arc<Self> {
        Arc::new(Self { name, rights, last_noted_minute: AtomicI64::new(last_noted_minute) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn rights(&self) -> &Rights {
        &self.rights
    }
}

/// Without the hashes of the keys.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({})", self.name)
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authenticator({} keys of the environment)", self.environment.len())
    }
}

impl Authenticator {
    /// Hashes the keys of the environment. Their text does not stay in memory.
    pub(crate) fn new(environment: &[SecretString], stored: StoredKeys, clock: Clock) -> Self {
        let environment = environment.iter().enumerate().map(|(place, key)| {
            let name = KeyName::of_environment(place).to_string();
            (KeyHash::of(key.expose_secret().as_bytes()), Caller::new(name, Rights::default(), NEVER))
        });
        let environment = environment.collect();
        Self { environment, stored, clock, list: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    pub(crate) fn has_environment_keys(&self) -> bool {
        !self.environment.is_empty()
    }

    pub(crate) fn stored_keys(&self) -> &StoredKeys {
        &self.stored
    }

    /// The holder of this key.
    ///
    /// # Errors
    /// If there is no such key, it has expired, or the store does not respond.
    pub(crate) async fn authenticate(&self, presented: &[u8]) -> Result<Arc<Caller>, AuthenticationError> {
        let hash = KeyHash::of(presented);
        if let Some(caller) = self.of_environment(&hash) {
            return Ok(caller);
        }
        let caller = match self.lately(&hash) {
            Some(Ok(Some(caller))) => caller,
            // Reading the digits takes four times as long as a hash, so it is left out for a key that is known.
            _ if !format::is_key(presented) => return Err(AuthenticationError::Unknown),
            Some(found) => found?.ok_or(AuthenticationError::Unknown)?,
            None => self.read(&hash).await?.ok_or(AuthenticationError::Unknown)?,
        };
        let now = self.clock.now();
        if caller.rights.has_expired(now) {
            return Err(AuthenticationError::Expired);
        }
        self.note_used(&caller, hash, now);
        Ok(caller)
    }

    /// Compares with every key, even after a match, so that the time taken reveals nothing.
    fn of_environment(&self, presented: &KeyHash) -> Option<Arc<Caller>> {
        const NONE: u64 = u64::MAX;
        let mut found = NONE;
        for (place, (hash, _)) in (0..).zip(&self.environment) {
            found.conditional_assign(&place, hash.ct_eq(presented));
        }
        let place = usize::try_from(found).ok()?;
        self.environment.get(place).map(|(_, caller)| Arc::clone(caller))
    }

    /// The result by a list that is read now.
    async fn read(&self, hash: &KeyHash) -> Result<Option<Arc<Caller>>, AuthenticationError> {
        let _reading = self.reading.lock().await;
        // The previous holder has read the list, or found that the store does not respond.
        if let Some(found) = self.lately(hash) {
            return found;
        }
        let asked_at = self.clock.boot_time();
        let read = self.clock.timeout(STORE_TIMEOUT, self.stored.load()).await;
        let mut list = self.list();
        match read {
            Some(Ok(keys)) => {
                let keys = list.replacing(keys);
                *list = List { keys, read_at: Some(asked_at), failed_at: None };
                Ok(list.keys.get(hash).cloned())
            }
            failed => {
                if let Some(Err(error)) = failed {
                    tracing::warn!(cause = telemetry::chain(&error), "cannot read the API keys");
                }
                list.failed_at = Some(self.clock.boot_time());
                list.find_stale(hash, self.clock.boot_time())
            }
        }
    }

    /// The result by the last list, if that is recent enough.
    fn lately(&self, hash: &KeyHash) -> Option<Result<Option<Arc<Caller>>, AuthenticationError>> {
        let (list, now) = (self.list(), self.clock.boot_time());
        if list.read_at.is_some_and(|at| now < at + CACHE_TTL) {
            return Some(Ok(list.keys.get(hash).cloned()));
        }
        list.failed_at.is_some_and(|at| now < at + STALE_RETRY).then(|| list.find_stale(hash, now))
    }

    /// At most one write a minute for each key, in a task of its own: the request does not wait for it.
    fn note_used(&self, caller: &Arc<Caller>, hash: KeyHash, now: OffsetDateTime) {
        let minute = minute_of(now);
        if caller.last_noted_minute.swap(minute, Ordering::Relaxed) == minute {
            return;
        }
        let (stored, caller) = (self.stored.clone(), Arc::clone(caller));
        let at = OffsetDateTime::from_unix_timestamp(minute * MINUTE).unwrap_or(now);
        tokio::spawn(async move {
            if let Err(error) = stored.note_used(&caller.name, &hash, at).await {
                let cause = telemetry::chain(&error);
                tracing::debug!(key = caller.name, cause, "the last use of an API key could not be noted");
            }
        });
    }

    fn list(&self) -> MutexGuard<'_, List> {
        // Nothing panics while it is held, so the data behind a poisoned lock is consistent.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    /// The callers of these rows. A use that this process noted may not be in the store yet.
    fn replacing(&self, rows: Vec<StoredKey>) -> HashMap<KeyHash, Arc<Caller>> {
        let caller = |StoredKey { name, hash, last_used, contents }: StoredKey| {
            let (contents, _) = contents.ok()?;
            let last_noted_minute = match self.keys.get(&hash) {
                Some(known) => known.last_noted_minute.load(Ordering::Relaxed),
                None => last_used.map_or(NEVER, minute_of),
            };
            Some((hash, Caller::new(name, contents.rights, last_noted_minute)))
        };
        rows.into_iter().filter_map(caller).collect()
    }

    /// The result by the last list while the store does not respond. A key that is not in it may have been added since.
    fn find_stale(&self, hash: &KeyHash, now: Duration) -> Result<Option<Arc<Caller>>, AuthenticationError> {
        let is_usable = self.read_at.is_some_and(|at| now < at + STALE_TTL);
        let found = self.keys.get(hash).filter(|_| is_usable).cloned();
        found.map(Some).ok_or(AuthenticationError::StoreUnavailable)
    }
}

fn minute_of(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().div_euclid(MINUTE)
}
