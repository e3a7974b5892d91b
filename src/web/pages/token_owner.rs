//! Who holds the refresh token.

use crate::config::Mode;

/// Who holds the refresh token and may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenOwner {
    /// Mint mode: the person who copies it.
    Person,
    /// Keep mode: this app.
    App,
}

impl TokenOwner {
    pub(crate) fn of(mode: &Mode) -> Self {
        match mode {
            Mode::Mint => Self::Person,
            Mode::Keep(_) => Self::App,
        }
    }

    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Person => "Your tokens",
            Self::App => "Your connection",
        }
    }
}
