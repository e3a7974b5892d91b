//! `ALLOWED_USERS`: who may log in.

use std::sync::Arc;

use hashbrown::{HashTable, hash_table::Entry};

use crate::config::{
    diagnostic::Issue,
    list,
    user_entry::{self, is_email},
};

/// `ALLOWED_USERS`: e-mail addresses, `user_id`s or `sub`s. It is never empty in a valid configuration. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedUsers(Arc<Entries>);

/// All entries in one string, and a table to find one. With 100,000 entries, a string and two map entries for each of
/// them took most of a start.
#[derive(Debug, Default)]
struct Entries {
    /// The entries, in order, with a line break between two. None has white space in it.
    list: String,
    /// The place in `list` where an entry starts, by the hash of the entry in lower case.
    starts: HashTable<usize>,
    hold_email: bool,
}

impl AllowedUsers {
    pub(super) fn parse(text: &str) -> Result<Self, Issue> {
        let commas = text.bytes().filter(|byte| *byte == b',').count();
        let mut entries = Entries::with_capacity(text.len(), commas + 1);
        for user in list::elements(text) {
            user_entry::check(user)?;
            entries.add(user);
        }
        Ok(Self(Arc::new(entries)))
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.list().lines()
    }

    /// The first entry, which is the default user.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.entries().next()
    }

    /// The entries, in order, with a line break between two.
    pub(crate) fn list(&self) -> &str {
        &self.0.list
    }

    /// The first entry that matches any of these. Pass an e-mail address only if it is proven: an id_token has verified
    /// it, or an import vouches for it.
    #[must_use]
    pub fn admits(&self, email: Option<&str>, user_id: Option<&str>, sub: Option<&str>) -> Option<&str> {
        let by_email = email.and_then(|email| self.0.find(email, |entry| is_same_email(entry, email)));
        let by_id = [user_id, sub].into_iter().flatten().filter_map(|id| self.0.find(id, |entry| entry == id));
        by_id.chain(by_email).min().map(|start| entry_at(&self.0.list, start))
    }

    /// Whether an entry is an e-mail address, which needs the scopes `openid` and `email`.
    pub(super) fn holds_email(&self) -> bool {
        self.0.hold_email
    }
}

impl Entries {
    fn with_capacity(bytes: usize, users: usize) -> Self {
        let (list, starts) = (String::with_capacity(bytes), HashTable::with_capacity(users));
        Self { list, starts, ..Self::default() }
    }

    /// Adds a user who is not in the list yet. If two spellings of an e-mail address differ only in case, the first one
    /// stays.
    fn add(&mut self, user: &str) {
        let Self { list, starts, hold_email } = self;
        let is_same = |start: &usize| {
            let entry = entry_at(list, *start);
            entry == user || is_same_email(entry, user)
        };
        let place = starts.entry(hash(user), is_same, |start| hash(entry_at(list, *start)));
        if let Entry::Vacant(place) = place {
            if !list.is_empty() {
                list.push('\n');
            }
            place.insert(list.len());
            list.push_str(user);
            *hold_email |= is_email(user);
        }
    }

    /// Where an entry starts that is equal to this name, but for case, and matches.
    fn find(&self, name: &str, matches: impl Fn(&str) -> bool) -> Option<usize> {
        self.starts.find(hash(name), |start| matches(entry_at(&self.list, *start))).copied()
    }
}

fn entry_at(list: &str, start: usize) -> &str {
    list[start..].lines().next().unwrap_or_default()
}

fn is_same_email(entry: &str, email: &str) -> bool {
    is_email(entry) && entry.eq_ignore_ascii_case(email)
}

/// FNV-1a, without a random key: the operator writes the list, so nobody fills the table with collisions.
fn hash(name: &str) -> u64 {
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, add)
}

/// The table follows from the list.
impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Entries {}
