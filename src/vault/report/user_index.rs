//! Which connection a name means: an e-mail that counts, a `user_id` or a `sub`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{
    store::{RowKey, records::State},
    vault::{Identity, Undecryptable, Vault, error::VaultError, report::status::ListEntry, settings::STALE_RETRY},
};

/// A list of all connections is read at most this often, however many unknown names are asked for. So a name that
/// another process gives to a connection, or that stops being ambiguous there, is found this soon.
const FRESH: Duration = Duration::from_secs(5);
/// And at least this often, while names are asked for: a second connection may have taken the same name elsewhere.
const STALE: Duration = Duration::from_secs(60);

/// Names and keys as the store listed them lately.
#[derive(Debug, Default)]
pub(crate) struct UserIndex {
    edition: Mutex<Snapshot>,
    /// Held by the one who reads the list: to read it again meanwhile would tell nothing new.
    press: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Snapshot {
    names: Book,
    /// When the store was asked for it; never, or not since a connection came.
    printed: Option<Duration>,
    /// When the store last gave no answer.
    silent: Option<Duration>,
}

/// The connections of users on the list, and those that are only still stored. A name means one of the others only
/// where nobody on the list has it: whoever was taken off the list must not make a listed user's name ambiguous.
#[derive(Debug, Default)]
struct Book {
    allowed: Names,
    others: Names,
}

/// Ids are taken to the letter, and e-mails without regard to ASCII case. An id may look like an e-mail.
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
    /// Where the connection of a user lies in keep mode. No key of a session has a colon.
    #[must_use]
    pub fn of_user(user_id: &str) -> Self {
        Self(format!("user:{user_id}"))
    }
}

impl Vault {
    /// The connection that a name means; of e-mails, only one that counts. While the store is silent, a name that was
    /// known before still means the same: what is in memory can be handed out.
    pub async fn find(&self, name: &str) -> Result<RowKey, VaultError> {
        let directory = &self.0.user_index;
        if let Some(found) = self.find_lately(name, self.0.clock.boot_time()) {
            return found;
        }
        let _press = directory.press.lock().await;
        // Whoever held it before has read the list, or has found the store silent.
        let now = self.0.clock.boot_time();
        if let Some(found) = self.find_lately(name, now) {
            return found;
        }
        let Ok(names) = self.print().await else {
            let mut edition = directory.lock();
            edition.silent = Some(self.0.clock.boot_time());
            return edition.find_blindly(name);
        };
        let found = names.find(name);
        *directory.lock() = Snapshot { names, printed: Some(now), silent: None };
        found
    }

    /// The list must be read anew: a connection came, or went.
    pub(crate) fn forget_names(&self) {
        self.0.user_index.lock().printed = None;
    }

    async fn print(&self) -> Result<Book, VaultError> {
        let mut book = Book::default();
        for listed in self.list().await? {
            match listed {
                ListEntry::Connection(status) if status.state != State::Pending => {
                    let allowed = self.0.settings.refresh_policy.allows(&status.identity);
                    let names = if allowed { &mut book.allowed } else { &mut book.others };
                    names.add(&status.identity, &status.key);
                }
                ListEntry::Unreadable(key, state) if is_connection(&key, state) => book.others.undecryptable += 1,
                ListEntry::Connection(_) | ListEntry::Tombstone(..) | ListEntry::Unreadable(..) => {}
            }
        }
        Ok(book)
    }

    /// What the last list says, if it is good enough.
    fn find_lately(&self, name: &str, now: Duration) -> Option<Result<RowKey, VaultError>> {
        let edition = self.0.user_index.lock();
        let found = edition.names.find(name);
        // A name is good for longer while its connection is in use: the vault notices at once if that is gone.
        let in_use = found.as_ref().is_ok_and(|key| self.0.memory.cached(key).is_some());
        let good_for = if in_use { STALE } else { FRESH };
        if edition.printed.is_some_and(|at| now < at + good_for) {
            return Some(found);
        }
        edition.silent.is_some_and(|at| now < at + STALE_RETRY).then(|| edition.find_blindly(name))
    }
}

impl UserIndex {
    fn lock(&self) -> std::sync::MutexGuard<'_, Snapshot> {
        // Nothing panics while it is held, so a poisoned lock still guards whole data.
        self.edition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// What the last list says, however old. A name that is not in it may have come since.
    fn find_blindly(&self, name: &str) -> Result<RowKey, VaultError> {
        self.names.find(name).map_err(|error| match error {
            VaultError::NotConnected | VaultError::Undecryptable(_) => VaultError::StoreUnavailable,
            error => error,
        })
    }
}

impl Book {
    fn find(&self, name: &str) -> Result<RowKey, VaultError> {
        match self.allowed.find(name) {
            Err(VaultError::NotConnected) => self.others.find(name),
            found => found,
        }
    }
}

impl Names {
    /// Every name a user goes by.
    fn add(&mut self, identity: &Identity, key: &RowKey) {
        let ids = [&identity.user_id, &identity.sub].into_iter().flatten();
        ids.for_each(|id| enter(&mut self.ids, id.clone(), key));
        if let Some(email) = identity.proven_email() {
            enter(&mut self.emails, email.to_ascii_lowercase(), key);
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

/// Whether this row is a user's connection, and not what is left of one, or an import.
pub(crate) fn is_connection(key: &RowKey, state: State) -> bool {
    !key.is_import() && state != State::Tombstone
}

fn enter(names: &mut HashMap<String, Entry>, name: String, key: &RowKey) {
    let entry = names.entry(name).or_insert_with(|| Entry::One(key.clone()));
    if *entry != Entry::One(key.clone()) {
        *entry = Entry::Several;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::EmailProof;

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
    fn an_email_is_found_in_any_case_and_an_id_to_the_letter_even_if_it_looks_like_one() {
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
