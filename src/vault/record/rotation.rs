//! Whether the provider rotates refresh tokens.

use serde::{Deserialize, Serialize};

/// Whether a refresh returns a new refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rotation {
    /// No refresh yet.
    #[default]
    Unknown,
    /// The latest one did.
    Seen,
    /// The latest one did not.
    NotSeen,
}
