//! Finds the connection of a name: a proven e-mail, a `user_id` or a `sub`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    store::{
        RowKey,
        records::{Row, State},
    },
    vault::{
        Vault,
        error::{Undecryptable, VaultError},
        record::identity::Identity,
        refresh::cache::STALE_RETRY,
        report::list::{ListEntry, is_connection},
    },
};

/// What is known of an unknown or ambiguous name is at most this old, so the store is asked at most this often.
const FRESH: Duration = Duration::from_secs(5);
/// What is known of a name whose connection is in use is at most this old: another process may have connected a second
/// user of the same name.
const IN_USE: Duration = Duration::from_secs(60);
const CAPACITY: usize = 4096;

/// The meaning of names that were asked for.
#[derive(Debug, Default)]
pub(crate) struct UserIndex(Mutex<Meanings>);

#[derive(Debug, Default)]
struct Meanings {
    names: HashMap<String, Meaning>,
    /// Counts the connections that were added: what was read before the last one is out of date.
    additions: u64,
    unreachable_at: Option<Duration>,
}

#[derive(Debug)]
struct Meaning {
    found: Result<RowKey, VaultError>,
    asked: Duration,
    /// How many connections had been added by then.
    additions: u64,
}

/// The connections of users in `ALLOWED_USERS`, and those of others that are still stored. A name means one of the
/// others only if no listed user has it: a user who was taken off the list must not make a listed user's name
/// ambiguous.
#[derive(Debug, Default)]
pub(super) struct Users {
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

impl Vault {
    /// The connection of a name: a `user_id`, a `sub`, or a proven e-mail. While the store does not respond, a known
    /// name keeps its meaning, so that a cached token can be handed out.
    pub(crate) async fn find(&self, name: &str) -> Result<RowKey, VaultError> {
        let asked = self.0.clock.boot_time();
        if let Some(found) = self.recent_meaning(name, asked) {
            return found;
        }
        let additions = self.0.user_index.lock().additions;
        // Boxed, since each future around it would otherwise contain it, and few requests need it.
        let mut meanings = match Box::pin(self.look_up(name)).await {
            Err(VaultError::StoreUnavailable) => {
                self.0.user_index.lock().unreachable_at = Some(self.0.clock.boot_time());
                return self.stale_meaning(name);
            }
            found => {
                let mut meanings = self.0.user_index.lock();
                meanings.insert(name, Meaning { found, asked, additions });
                meanings
            }
        };
        meanings.unreachable_at = None;
        meanings.names[name].found.clone()
    }

    /// A connection was added: the store must be asked again.
    pub(crate) fn invalidate_user_index(&self) {
        self.0.user_index.lock().additions += 1;
    }

    async fn look_up(&self, name: &str) -> Result<RowKey, VaultError> {
        self.ensure_indexed().await?;
        match self.users(self.rows_of(name).await?).find(name) {
            Err(VaultError::NotConnected | VaultError::Undecryptable(_)) => {}
            found => return found,
        }
        let counts = self.call_store(self.0.store.counts()).await?;
        // A process of an earlier version may have written it since.
        if self.misses_names(&counts) {
            self.reindex().await?;
        }
        let users = self.users(self.rows_of(name).await?);
        match (users.find(name), self.count_undecryptable(&counts)) {
            (Err(VaultError::NotConnected), count) if count > 0 => Err(VaultError::Undecryptable(Undecryptable(count))),
            (found, _) => found,
        }
    }

    pub(super) fn users(&self, rows: Vec<Row>) -> Users {
        let mut users = Users::default();
        for row in rows {
            match self.describe(&row) {
                ListEntry::Connection(status) if status.state != State::Pending => {
                    self.add_user(&mut users, &status.identity, &status.key);
                }
                ListEntry::Unreadable(key, state) if is_connection(&key, state) => users.others.undecryptable += 1,
                ListEntry::Connection(_) | ListEntry::Tombstone(_) | ListEntry::Unreadable(..) => {}
            }
        }
        users
    }

    /// What the name meant when the store was last asked, if that is recent enough.
    fn recent_meaning(&self, name: &str, now: Duration) -> Option<Result<RowKey, VaultError>> {
        let meanings = self.0.user_index.lock();
        if meanings.unreachable_at.is_some_and(|at| now < at + STALE_RETRY) {
            drop(meanings);
            return Some(self.stale_meaning(name));
        }
        if let Some(Meaning { found, asked, additions }) = meanings.names.get(name) {
            // While its connection is in use, the vault notices at once if that is gone.
            let is_in_use = found.as_ref().is_ok_and(|key| self.0.cache.get(key).is_some());
            let longest_age = if is_in_use { IN_USE } else { FRESH };
            if now < *asked + longest_age && *additions == meanings.additions {
                return Some(found.clone());
            }
        }
        None
    }

    /// What the name meant, however long ago, or means among the records in memory. Any other name may have been added
    /// since.
    fn stale_meaning(&self, name: &str) -> Result<RowKey, VaultError> {
        if let Some(found @ (Ok(_) | Err(VaultError::AmbiguousUser))) = self.0.user_index.lock().known(name) {
            return found;
        }
        let mut users = Users::default();
        for (key, cached) in self.0.cache.records().into_iter().filter(|(_, cached)| cached.is_keep_mode()) {
            self.add_user(&mut users, &cached.record.body.identity, &key);
        }
        users.find(name).map_err(|error| match error {
            VaultError::NotConnected => VaultError::StoreUnavailable,
            error => error,
        })
    }

    fn add_user(&self, users: &mut Users, identity: &Identity, key: &RowKey) {
        let is_allowed = self.0.settings.refresh_policy.allows(identity);
        let names = if is_allowed { &mut users.allowed } else { &mut users.others };
        names.add(identity, key);
    }
}

impl UserIndex {
    fn lock(&self) -> MutexGuard<'_, Meanings> {
        // Nothing panics while it is held, so the data behind a poisoned lock is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meanings {
    fn insert(&mut self, name: &str, meaning: Meaning) {
        if self.names.len() >= CAPACITY {
            let now = meaning.asked;
            self.names.retain(|_, known| now < known.asked + FRESH);
        }
        if self.names.len() >= CAPACITY {
            self.names.clear();
        }
        self.names.insert(name.to_owned(), meaning);
    }

    fn known(&self, name: &str) -> Option<Result<RowKey, VaultError>> {
        self.names.get(name).map(|known| known.found.clone())
    }
}

impl Users {
    pub(super) fn find(&self, name: &str) -> Result<RowKey, VaultError> {
        match self.allowed.find(name) {
            Err(VaultError::NotConnected) => self.others.find(name),
            found => found,
        }
    }
}

impl Names {
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
