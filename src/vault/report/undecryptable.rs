//! Connections that this process cannot decrypt, and the words for them.

use std::fmt;

/// So many connections were encrypted by an `EXPRESS_SESSION` that is not at hand. They are left as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecryptable(pub usize);

impl Undecryptable {
    /// What the operator does about it, as a sentence.
    pub const FIX: &str =
        "Put the old value of EXPRESS_SESSION into EXPRESS_SESSION_PREVIOUS and restart, or log in again.";
}

impl fmt::Display for Undecryptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connections = if self.0 == 1 { "connection" } else { "connections" };
        write!(f, "{} {connections} cannot be decrypted with this EXPRESS_SESSION", self.0)
    }
}
