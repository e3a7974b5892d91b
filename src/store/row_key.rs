//! The key of a record, in each of its forms.

const USER: &str = "user:";
const IMPORT: &str = "import:";

/// The key of a row. Only the keys of records that outlive a session have a colon.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(pub String);

impl RowKey {
    /// The key of a session and its mint-mode record: the HMAC of the session's id, as text.
    pub(crate) fn of_session(hmac: String) -> Self {
        Self(hmac)
    }

    /// The key of a user's connection in keep mode.
    #[must_use]
    pub fn of_user(user_id: &str) -> Self {
        Self(format!("{USER}{user_id}"))
    }

    /// The key of an import: the SHA-256 of its token, in hex. It needs no salt because the token is random.
    pub(crate) fn of_import(sha256: &str) -> Self {
        Self(format!("{IMPORT}{sha256}"))
    }

    /// Whether this is the key of a user or of an import.
    pub(crate) fn outlives_session(&self) -> bool {
        self.0.contains(':')
    }

    pub(crate) fn is_import(&self) -> bool {
        self.0.starts_with(IMPORT)
    }
}
