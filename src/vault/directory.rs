//! Which connection a name means: an e-mail that counts, a `user_id` or a `sub`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::store::{RowKey, records::State};

use super::{HandOutError, Identity, Vault, status::Listed};

/// A list of all connections is read at most this often, however many unknown names are asked for.
const FRESH: Duration = Duration::from_secs(5);
/// And at least this often, while names are asked for: a second connection may have taken the same name elsewhere.
const STALE: Duration = Duration::from_secs(60);

/// Names and keys as the store listed them lately.
#[derive(Debug, Default)]
pub(super) struct Directory(Mutex<Option<Edition>>);

#[derive(Clone, Debug)]
struct Edition {
    printed: Duration,
    keys: Arc<HashMap<String, Entry>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    One(RowKey),
    Several,
}

/// Why a name means no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// No connection has this name.
    #[error("nobody of that name is connected")]
    NotConnected,
    /// More than one has.
    #[error("that name fits more than one connection; use the user_id")]
    Ambiguous,
    /// The store could not list them.
    #[error("the store does not answer")]
    StoreUnavailable,
}

impl RowKey {
    /// Where the connection of a user lies in keep mode. No key of a session has a colon.
    #[must_use]
    pub fn of_user(user_id: &str) -> Self {
        Self(format!("user:{user_id}"))
    }
}

impl Vault {
    /// The connection that a name means. E-mails are compared without regard to ASCII case, and only those that count.
    pub async fn find(&self, name: &str) -> Result<RowKey, NotFound> {
        let name = folded(name);
        let now = self.0.clock.monotonic();
        if let Some(edition) = self.0.directory.latest() {
            let found = edition.find(&name);
            // A known name is good for longer: the vault itself notices if such a connection is gone.
            let good_for = if found == Err(NotFound::NotConnected) { FRESH } else { STALE };
            if now < edition.printed + good_for {
                return found;
            }
        }
        let keys = Arc::new(self.print().await.map_err(|_| NotFound::StoreUnavailable)?);
        let edition = Edition { printed: now, keys };
        self.0.directory.replace(edition.clone());
        edition.find(&name)
    }

    /// The list must be read anew: a connection came, or went.
    pub(super) fn forget_names(&self) {
        *self.0.directory.lock() = None;
    }

    async fn print(&self) -> Result<HashMap<String, Entry>, HandOutError> {
        let mut keys: HashMap<String, Entry> = HashMap::new();
        for listed in self.list().await? {
            let Listed::Connection(status) = listed else { continue };
            if status.state == State::Pending {
                continue;
            }
            for name in names(&status.identity) {
                let entry = keys.entry(name).or_insert_with(|| Entry::One(status.key.clone()));
                if *entry != Entry::One(status.key.clone()) {
                    *entry = Entry::Several;
                }
            }
        }
        Ok(keys)
    }
}

impl Edition {
    fn find(&self, name: &str) -> Result<RowKey, NotFound> {
        match self.keys.get(name) {
            Some(Entry::One(key)) => Ok(key.clone()),
            Some(Entry::Several) => Err(NotFound::Ambiguous),
            None => Err(NotFound::NotConnected),
        }
    }
}

impl Directory {
    fn latest(&self) -> Option<Edition> {
        self.lock().clone()
    }

    fn replace(&self, edition: Edition) {
        *self.lock() = Some(edition);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Edition>> {
        // Nothing panics while it is held, so a poisoned lock still guards whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every name a user goes by.
fn names(identity: &Identity) -> impl Iterator<Item = String> {
    let email = identity.proven_email().map(folded);
    [email, identity.user_id.clone(), identity.sub.clone()].into_iter().flatten()
}

/// E-mails are folded; an id is taken to the letter.
fn folded(name: &str) -> String {
    if name.contains('@') { name.to_ascii_lowercase() } else { name.to_owned() }
}
