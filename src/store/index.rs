//! What the store finds and counts records by, without decrypting them.

use time::OffsetDateTime;

/// Half of the HMAC of a user's name. Without the secret, nobody can tell the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameHash(pub [u8; 16]);

/// What a record without limits is found and counted by. It is written together with the
/// blob; one that a program of an earlier version wrote may be outdated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Records are counted by it. It is not empty, and has only the characters `[a-z0-9.-]`.
    pub label: String,
    /// When its login is expected to end, if that is known.
    pub login_end: Option<OffsetDateTime>,
    /// Records are found by these.
    pub names: Names,
}

/// The names of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Of VideoAsk's own id.
    pub user_id: Option<NameHash>,
    /// Of the id_token's subject.
    pub sub: Option<NameHash>,
    /// Of the e-mail, if it is proven.
    pub email: Option<NameHash>,
}

impl Names {
    /// Whether one of them is this.
    #[must_use]
    pub fn contain(&self, name: &NameHash) -> bool {
        [&self.user_id, &self.sub, &self.email].into_iter().flatten().any(|own| own == name)
    }
}
