//! `ALLOWED_USERS`: who may log in, and which of the two modes applies.

use std::{collections::HashMap, sync::Arc};

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported, Value},
    list,
    user_entry::{self, is_email},
    variable::ALLOWED_USERS,
};

/// Who may log in, and who starts refreshes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Anyone with a VideoAsk login. Only the person refreshes, with the button.
    Mint,
    /// Only the listed users. This app keeps and refreshes their tokens.
    Keep(AllowedUsers),
}

/// `ALLOWED_USERS`: e-mail addresses, `user_id`s or `sub`s. It is never empty in a valid configuration. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedUsers(Arc<Entries>);

/// The entries, and indexes to find the position of an entry in `all`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entries {
    all: Vec<String>,
    as_written: HashMap<String, usize>,
    /// The e-mail addresses, in lower case.
    emails: HashMap<String, usize>,
}

impl Mode {
    /// `mint` or `keep`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Keep(_) => "keep",
        }
    }

    /// An invalid list still means keep mode, so that the other variables are checked for that mode.
    pub(super) fn read(reader: &mut EnvReader<'_>) -> Self {
        let users = reader.get(ALLOWED_USERS).and_then(|value| Self::users(reader, value));
        match users {
            Ok(None) => Self::Mint,
            Ok(Some(users)) => Self::Keep(users),
            Err(_) => Self::Keep(AllowedUsers::default()),
        }
    }

    fn users(reader: &mut EnvReader<'_>, value: Option<Value>) -> Result<Option<AllowedUsers>, Reported> {
        value.map(|value| reader.check(&value, AllowedUsers::parse)).transpose()
    }
}

impl AllowedUsers {
    fn parse(text: &str) -> Result<Self, Issue> {
        let mut entries = Entries::default();
        for user in list::elements(text) {
            user_entry::check(user)?;
            entries.add(user);
        }
        Ok(Self(Arc::new(entries)))
    }

    /// The entries, in order; the first is the default user.
    #[must_use]
    pub fn entries(&self) -> &[String] {
        &self.0.all
    }

    /// The first entry that matches any of these. Pass an e-mail address only if it is proven: an id_token has verified
    /// it, or an import vouches for it.
    #[must_use]
    pub fn admits(&self, email: Option<&str>, user_id: Option<&str>, sub: Option<&str>) -> Option<&str> {
        let Entries { all, as_written, emails } = &*self.0;
        let by_email = email.and_then(|email| emails.get(&email.to_ascii_lowercase()));
        let by_id = [user_id, sub].into_iter().flatten().filter_map(|id| as_written.get(id));
        by_id.chain(by_email).min().map(|place| all[*place].as_str())
    }

    /// Whether an entry is an e-mail address, which needs the scopes `openid` and `email`.
    pub(super) fn holds_email(&self) -> bool {
        !self.0.emails.is_empty()
    }
}

impl Entries {
    /// Adds a user who is not in the list yet. If two spellings of an e-mail address differ only in case, the first one
    /// stays.
    fn add(&mut self, user: &str) {
        let place = self.all.len();
        let is_new = if is_email(user) {
            *self.emails.entry(user.to_ascii_lowercase()).or_insert(place) == place
        } else {
            !self.as_written.contains_key(user)
        };
        if is_new {
            self.as_written.insert(user.to_owned(), place);
            self.all.push(user.to_owned());
        }
    }
}
