//! Which of the two modes applies.

use crate::config::{
    allowed_users::AllowedUsers,
    env_reader::{EnvReader, Reported, Value},
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
