//! `ALLOWED_USERS`: who may log in, and with it whose the refresh token is.

use crate::config::{
    finding::Fault,
    list,
    reader::{Reader, Reported, Value},
    user_name::{self, is_email},
    variable::ALLOWED_USERS,
};

/// Who may log in, and whose refresh token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Anyone with a VideoAsk login; the pair belongs to the person and is never refreshed behind their back.
    Mint,
    /// Only the listed users; this app holds and refreshes their tokens.
    Keep(AllowedUsers),
}

/// `ALLOWED_USERS`, never empty: e-mails, `user_id`s or `sub`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUsers(Vec<String>);

impl Mode {
    /// `mint` or `keep`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mint => "mint",
            Self::Keep(_) => "keep",
        }
    }

    /// A list that was refused still means keep mode, by which the rest is checked, so that every problem comes up.
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let users = reader.get(ALLOWED_USERS).and_then(|value| Self::users(reader, value));
        match users {
            Ok(None) => Self::Mint,
            Ok(Some(users)) => Self::Keep(users),
            Err(_) => Self::Keep(AllowedUsers(Vec::new())),
        }
    }

    fn users(reader: &mut Reader<'_>, value: Option<Value>) -> Result<Option<AllowedUsers>, Reported> {
        value.map(|value| reader.check(&value, AllowedUsers::parse)).transpose()
    }
}

impl AllowedUsers {
    fn parse(text: &str) -> Result<Self, Fault> {
        let mut users: Vec<String> = Vec::new();
        for user in list::elements(text) {
            user_name::check(user)?;
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

    /// The entry that admits a user, known by any of these. Give an e-mail only where it counts: verified by an
    /// id_token, or vouched for by an import.
    #[must_use]
    pub fn admits(&self, email: Option<&str>, user_id: Option<&str>, sub: Option<&str>) -> Option<&str> {
        let by_email = |entry: &str| is_email(entry) && email.is_some_and(|email| email.eq_ignore_ascii_case(entry));
        let admits = |entry: &str| by_email(entry) || Some(entry) == user_id || Some(entry) == sub;
        self.0.iter().map(String::as_str).find(|entry| admits(entry))
    }

    /// Whether the list needs e-mails, and so the scopes that bring them.
    pub(super) fn holds_email(&self) -> bool {
        self.0.iter().any(|entry| is_email(entry))
    }
}

fn same(a: &str, b: &str) -> bool {
    if is_email(a) { a.eq_ignore_ascii_case(b) } else { a == b }
}
