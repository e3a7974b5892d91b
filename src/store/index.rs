//! What the store can find and count a record by, though it cannot decrypt it.

use time::OffsetDateTime;

/// The keyed hash of a user's name. Nobody without the secret can tell what it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameHash(pub [u8; 16]);

/// What a kept record is found and counted by. It is written together with the blob, so that the two always fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Records are counted by it. A word of `[a-z0-9.-]`, never empty.
    pub label: String,
    /// When its login is expected to end, if it is.
    pub login_end: Option<OffsetDateTime>,
    /// Records are found by them.
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
