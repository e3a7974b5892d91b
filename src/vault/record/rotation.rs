//! Whether the provider rotates refresh tokens.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether a refresh returns a new refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rotation {
    #[default]
    Unknown,
    Seen,
    NotSeen,
}

/// What the pages and `status` say of it.
impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown until the first refresh",
            Self::Seen => "on. Each refresh returns a new refresh token.",
            Self::NotSeen => "off. The refresh token stays the same.",
        })
    }
}
