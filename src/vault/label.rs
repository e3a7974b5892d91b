//! What a record is counted as, beside its state, without decrypting it.

use crate::{telemetry::Label as _, vault::report::obstacle::Obstacle};

const USABLE: &str = "usable";
const IMPORT: &str = "import";
const TOMBSTONE: &str = "tombstone";
const UNREADABLE: &str = "unreadable";
const DAMAGED: &str = "damaged";

/// What the process that wrote the row knew of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// It is stored under the fingerprint of an imported token.
    Import,
    Connection(Option<Obstacle>),
    Tombstone,
    /// The process that labelled it did not have its secret.
    Unreadable,
    /// The process that labelled it had its secret, and could not decrypt it.
    Damaged,
}

/// A short hash of what a label's obstacle and the expected end of a login depend on: ALLOWED_USERS, CLIENT_ID,
/// VIDEOASK_AUTH_URL and REFRESH_TOKEN_LIFETIME.
pub(super) type PolicyId = String;

impl Label {
    pub(super) fn encode(self, policy: &PolicyId) -> String {
        match self {
            Self::Import => IMPORT.to_owned(),
            Self::Tombstone => TOMBSTONE.to_owned(),
            Self::Unreadable => UNREADABLE.to_owned(),
            Self::Damaged => DAMAGED.to_owned(),
            Self::Connection(obstacle) => format!("{}.{policy}", obstacle.map_or(USABLE, Obstacle::as_str)),
        }
    }

    /// Reads a stored label. One of another policy says nothing about this one.
    pub(super) fn decode(text: &str, policies: &[PolicyId]) -> Option<Self> {
        Some(match text {
            IMPORT => Self::Import,
            TOMBSTONE => Self::Tombstone,
            UNREADABLE => Self::Unreadable,
            DAMAGED => Self::Damaged,
            connection => {
                let (obstacle, policy) = connection.split_once('.')?;
                policies.iter().find(|own| *own == policy)?;
                match obstacle {
                    USABLE => Self::Connection(None),
                    word => Self::Connection(Some(Obstacle::all().find(|known| known.as_str() == word)?)),
                }
            }
        })
    }
}
