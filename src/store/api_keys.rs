//! The contract of API keys.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::store::{InsertOutcome, StoreError, UpdateOutcome, records::Sealed};

/// An API key as it is stored: its hash, and its rights in an encrypted blob.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Unique, and at most 64 ASCII letters, digits, dots, underscores and hyphens.
    pub name: String,
    /// The SHA-256 of the key. The key is random, so its hash cannot be guessed.
    pub hash: [u8; 32],
    /// The rights, encrypted, so that nobody can create a key only by writing to the store.
    pub sealed: Sealed,
    /// When a request last used it.
    pub last_used: Option<OffsetDateTime>,
}

impl fmt::Debug for ApiKeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyRow")
            .field("name", &self.name)
            .field("last_used", &self.last_used)
            .finish_non_exhaustive()
    }
}

/// API keys by name. No two have the same hash, since keys are random.
#[async_trait]
pub trait ApiKeys: fmt::Debug + Send + Sync + 'static {
    /// Adds a key that was never used, or reports that its name is taken.
    async fn add_api_key(&self, row: &ApiKeyRow) -> Result<InsertOutcome, StoreError>;

    /// All keys, by name.
    async fn api_keys(&self) -> Result<Vec<ApiKeyRow>, StoreError>;

    /// Removes a key.
    async fn remove_api_key(&self, name: &str) -> Result<UpdateOutcome, StoreError>;

    /// Saves when a key was used, unless it was removed or replaced by another one of the same name. A crash may lose it.
    async fn note_api_key_used(
        &self,
        name: &str,
        hash: &[u8; 32],
        at: OffsetDateTime,
    ) -> Result<UpdateOutcome, StoreError>;

    /// Replaces the encrypted blob of a key, under the same condition.
    async fn reseal_api_key(&self, name: &str, hash: &[u8; 32], sealed: &Sealed) -> Result<UpdateOutcome, StoreError>;
}
