//! Every call of the store goes through here: it has a time limit, and its failure is logged once.

use std::time::Duration;

use crate::{
    store::StoreError,
    vault::{Vault, error::VaultError},
};

/// The time limit of a store call. With the pause before a save is retried, it is the 3 s of docs/vault.md, rule 6.
pub(super) const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a call of the store has no result. The store may have done it anyway, or may still do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreFailure {
    #[error("the store did not respond in time")]
    TimedOut,
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl Vault {
    /// Runs a call of the store within its time limit. A failure is logged.
    pub(super) async fn call_store<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, VaultError> {
        self.try_store(call).await.map_err(|failure| {
            tracing::warn!(error = &failure as &dyn std::error::Error, "a store call failed");
            VaultError::StoreUnavailable
        })
    }

    /// As [`Vault::call_store`], for a caller that needs the cause and logs nothing.
    pub(super) async fn try_store<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreFailure> {
        match self.0.clock.timeout(STORE_TIMEOUT, call).await {
            Some(result) => Ok(result?),
            None => Err(StoreFailure::TimedOut),
        }
    }
}
