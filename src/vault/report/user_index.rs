//! Finds the connection of a name: a proven e-mail, a `user_id` or a `sub`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    store::{RowKey, records::State},
    vault::{
        Vault,
        error::{Undecryptable, VaultError},
        record::identity::Identity,
        report::status::ListEntry,
        settings::STALE_RETRY,
    },
};

/// The list for an unknown or ambiguous name is at most this old, so the list is read at most this often.
const FRESH: Duration = Duration::from_secs(5);
/// The list for a name whose connection is in use is at most this old: another process may have connected a second user
/// of the same name.
const IN_USE: Duration = Duration::from_secs(60);

/// The names and keys of the last list from the store.
#[derive(Debug, Default)]
pub(crate) struct UserIndex {
    snapshot: Mutex<Snapshot>,
    /// Held while the list is read, so that one caller reads it for all.
    refresh_lock: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Snapshot {
    users: Users,
    /// When it was read; `None` if never, or if it is out of date.
    read_at: Option<Duration>,
    /// When the store last did not respond.
    unreachable_at: Option<Duration>,
}

/// The connections of users in `ALLOWED_USERS`, and those of others that are still stored. A name means one of the
/// others only if no listed user has it: a user who was taken off the list must not make a listed user's name
/// ambiguous.
#[derive(Debug, Default)]
struct Users {
    allowed: Names,
    others: Names,
}

/// Ids are case-sensitive, e-mails are not (in ASCII). An id may look like an e-mail.
#[derive(Debug, Default)]
struct Names {
    ids: HashMap<String, Entry>,
    emails: HashMap<String, Entry>,
    /// How many connections have names that cannot be decrypted.
    undecryptable: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    One(RowKey),
    Several,
}

impl RowKey {
    /// The key of a user's connection in keep mode. No key of a session has a colon.
    #[must_use]
    pub fn of_user(user_id: &str) -> Self {
        Self(format!("user:{user_id}"))
    }
}

impl Vault {
    /// The connection of a name: a `user_id`, a `sub`, or a proven e-mail. While the store does not respond, a known
    /// name keeps its meaning, so that a cached token can be handed out.
    pub(crate) async fn find(&self, name: &str) -> Result<RowKey, VaultError> {
        let index = &self.0.user_index;
        if let Some(found) = self.find_in_snapshot(name, self.0.clock.boot_time()) {
            return found;
        }
        let _lock = index.refresh_lock.lock().await;
        // The previous holder has read the list, or the store did not respond to it.
        let now = self.0.clock.boot_time();
        if let Some(found) = self.find_in_snapshot(name, now) {
            return found;
        }
        let Ok(users) = self.list_users().await else {
            let mut snapshot = index.lock();
            snapshot.unreachable_at = Some(self.0.clock.boot_time());
            return snapshot.find_stale(name);
        };
        let found = users.find(name);
        *index.lock() = Snapshot { users, read_at: Some(now), unreachable_at: None };
        found
    }

    /// A connection was added: the list must be read again.
    pub(crate) fn invalidate_user_index(&self) {
        self.0.user_index.lock().read_at = None;
    }

    async fn list_users(&self) -> Result<Users, VaultError> {
        let mut users = Users::default();
        for listed in self.list().await? {
            match listed {
                ListEntry::Connection(status) if status.state != State::Pending => {
                    let is_allowed = self.0.settings.refresh_policy.allows(&status.identity);
                    let names = if is_allowed { &mut users.allowed } else { &mut users.others };
                    names.add(&status.identity, &status.key);
                }
                ListEntry::Unreadable(key, state) if is_connection(&key, state) => users.others.undecryptable += 1,
                ListEntry::Connection(_) | ListEntry::Tombstone(_) | ListEntry::Unreadable(..) => {}
            }
        }
        Ok(users)
    }

    /// What the snapshot says, if it is recent enough.
    fn find_in_snapshot(&self, name: &str, now: Duration) -> Option<Result<RowKey, VaultError>> {
        let snapshot = self.0.user_index.lock();
        let found = snapshot.users.find(name);
        // While its connection is in use, the vault notices at once if that is gone.
        let is_in_use = found.as_ref().is_ok_and(|key| self.0.cache.get(key).is_some());
        let longest_age = if is_in_use { IN_USE } else { FRESH };
        if snapshot.read_at.is_some_and(|at| now < at + longest_age) {
            return Some(found);
        }
        snapshot.unreachable_at.is_some_and(|at| now < at + STALE_RETRY).then(|| snapshot.find_stale(name))
    }
}

impl UserIndex {
    fn lock(&self) -> std::sync::MutexGuard<'_, Snapshot> {
        // Nothing panics while it is held, so the data behind a poisoned lock is consistent.
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// What the snapshot says, however old. A name that is not in it may have been added since.
    fn find_stale(&self, name: &str) -> Result<RowKey, VaultError> {
        self.users.find(name).map_err(|error| match error {
            VaultError::NotConnected | VaultError::Undecryptable(_) => VaultError::StoreUnavailable,
            error => error,
        })
    }
}

impl Users {
    fn find(&self, name: &str) -> Result<RowKey, VaultError> {
        match self.allowed.find(name) {
            Err(VaultError::NotConnected) => self.others.find(name),
            found => found,
        }
    }
}

impl Names {
    /// Adds every name of a user.
    fn add(&mut self, identity: &Identity, key: &RowKey) {
        let ids = [&identity.user_id, &identity.sub].into_iter().flatten();
        ids.for_each(|id| insert(&mut self.ids, id.clone(), key));
        if let Some(email) = identity.proven_email() {
            insert(&mut self.emails, email.to_ascii_lowercase(), key);
        }
    }

    fn find(&self, name: &str) -> Result<RowKey, VaultError> {
        match (self.ids.get(name), self.emails.get(&name.to_ascii_lowercase())) {
            (None, None) if self.undecryptable == 0 => Err(VaultError::NotConnected),
            (None, None) => Err(VaultError::Undecryptable(Undecryptable(self.undecryptable))),
            (Some(Entry::One(key)), None) | (None, Some(Entry::One(key))) => Ok(key.clone()),
            (Some(Entry::One(id)), Some(Entry::One(email))) if id == email => Ok(id.clone()),
            _ => Err(VaultError::AmbiguousUser),
        }
    }
}

/// Whether this row is a user's connection, not a tombstone or an import.
pub(crate) fn is_connection(key: &RowKey, state: State) -> bool {
    !key.is_import() && state != State::Tombstone
}

fn insert(names: &mut HashMap<String, Entry>, name: String, key: &RowKey) {
    let entry = names.entry(name).or_insert_with(|| Entry::One(key.clone()));
    if *entry != Entry::One(key.clone()) {
        *entry = Entry::Several;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::record::identity::EmailProof;

    fn named(user_id: &str, sub: &str, email: &str) -> Identity {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let (user_id, sub, email) = (text(user_id), text(sub), text(email));
        Identity { user_id, sub, email, email_proof: EmailProof::Verified, ..Identity::default() }
    }

    fn names(of: &[Identity]) -> Names {
        let mut names = Names::default();
        for (place, identity) in of.iter().enumerate() {
            names.add(identity, &RowKey(place.to_string()));
        }
        names
    }

    #[test]
    fn an_email_is_found_in_any_case_and_an_id_only_in_its_own_even_if_it_looks_like_an_email() {
        let names = names(&[named("u-1", "email|Ada@Corp.com", "ada@example.com")]);
        for name in ["u-1", "email|Ada@Corp.com", "ADA@Example.com"] {
            assert_eq!(names.find(name), Ok(RowKey("0".to_owned())), "{name}");
        }
        for name in ["U-1", "email|ada@corp.com", ""] {
            assert_eq!(names.find(name), Err(VaultError::NotConnected), "{name}");
        }
    }

    #[test]
    fn one_name_of_two_users_means_neither() {
        let names =
            names(&[named("u-1", "", "both@example.com"), named("both@example.com", "", ""), named("u-1", "x", "")]);
        assert_eq!(names.find("both@example.com"), Err(VaultError::AmbiguousUser));
        assert_eq!(names.find("u-1"), Err(VaultError::AmbiguousUser));
        assert_eq!(names.find("x"), Ok(RowKey("2".to_owned())));
    }
}
