//! `ALLOWED_USERS`: who may log in, and which of the two modes applies.

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported, Value},
    list,
    user_entry::{self, is_email},
    variable::ALLOWED_USERS,
};

/// Who may log in, and who refreshes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Anyone with a VideoAsk login. Only the person refreshes, with the button.
    Mint,
    /// Only the listed users. This app keeps and refreshes their tokens.
    Keep(AllowedUsers),
}

/// `ALLOWED_USERS`, never empty: e-mails, `user_id`s or `sub`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUsers(Vec<String>);

impl Mode {
    /// `mint` or `keep`.
    #[must_use]
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
            Err(_) => Self::Keep(AllowedUsers(Vec::new())),
        }
    }

    fn users(reader: &mut EnvReader<'_>, value: Option<Value>) -> Result<Option<AllowedUsers>, Reported> {
        value.map(|value| reader.check(&value, AllowedUsers::parse)).transpose()
    }
}

impl AllowedUsers {
    fn parse(text: &str) -> Result<Self, Issue> {
        let mut users: Vec<String> = Vec::new();
        for user in list::elements(text) {
            user_entry::check(user)?;
            if !users.iter().any(|known| same(known, user)) {
                users.push(user.to_owned());
            }
        }
        Ok(Self(users))
    }

    /// The entries, in order; the first is the default user.
    #[must_use]
    pub fn entries(&self) -> &[String] {
        &self.0
    }

    /// The first entry that matches any of these. Pass an e-mail address only if it is proven: verified by an id_token,
    /// or vouched for by an import.
    #[must_use]
    pub fn admits(&self, email: Option<&str>, user_id: Option<&str>, sub: Option<&str>) -> Option<&str> {
        let by_email = |entry: &str| is_email(entry) && email.is_some_and(|email| email.eq_ignore_ascii_case(entry));
        let admits = |entry: &str| by_email(entry) || Some(entry) == user_id || Some(entry) == sub;
        self.0.iter().map(String::as_str).find(|entry| admits(entry))
    }

    /// Whether an entry is an e-mail address, which needs the scopes `openid` and `email`.
    pub(super) fn holds_email(&self) -> bool {
        self.0.iter().any(|entry| is_email(entry))
    }
}

fn same(a: &str, b: &str) -> bool {
    if is_email(a) { a.eq_ignore_ascii_case(b) } else { a == b }
}
