//! A record for the pages of its user.

use std::sync::Arc;

use crate::{
    store::{
        RowKey,
        records::{State, Version},
    },
    vault::{
        Vault,
        error::VaultError,
        record::{Record, claims::Claims},
        refresh::cached_record::CachedRecord,
    },
};

/// A record as its user may see it, tokens included.
#[derive(Clone, Debug)]
pub(crate) struct VisibleRecord(Arc<CachedRecord>);

impl VisibleRecord {
    pub(crate) fn record(&self) -> &Record {
        &self.0.record
    }

    /// The claims of its access token, if that is a JWT.
    pub(crate) fn claims(&self) -> Option<&Claims> {
        self.0.claims()
    }

    pub(crate) fn state(&self) -> State {
        self.0.state
    }
}

impl Vault {
    /// The record of this key for the pages of its user, also if it is expired, dead or blocked.
    pub(crate) async fn show(&self, key: &RowKey) -> Result<VisibleRecord, VaultError> {
        let cached = self.up_to_date(key).await?;
        if cached.is_allowed(&self.0.settings.refresh_policy) {
            Ok(VisibleRecord(cached))
        } else {
            Err(VaultError::NotAllowed)
        }
    }

    /// The version of a connection whose revoke is not confirmed yet, so that it can be retried.
    pub(crate) async fn revoking(&self, key: &RowKey) -> Result<Option<Version>, VaultError> {
        let head = self.call_store(self.0.store.peek(key)).await?;
        Ok(head.filter(|head| head.state == State::Revoking).map(|head| head.version))
    }
}
