//! The id of one connection: a login or import, and every token set refreshed from it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::keys::Keyring;

/// 128 random bits in lower-case hex. It is not secret. Forms contain it, so that a stale page changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(String);

impl ConnectionId {
    pub(crate) fn random(keys: &Keyring) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(keys.random_bytes())))
    }

    /// The id as rows and forms contain it.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ConnectionId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
