//! Single calls as the user of a connection.

use crate::{
    store::RowKey,
    vault::{MinLife, Vault, VaultError},
    videoask::{Api, ApiError, Forms, Page, replacement_token},
};

/// VideoAsk's API as one connection's user sees it, with the vault's token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account<'a> {
    api: &'a Api,
    vault: &'a Vault,
    key: &'a RowKey,
}

/// Why a call as a user has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(transparent)]
    NoToken(#[from] VaultError),
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl<'a> Account<'a> {
    /// The account of the connection with this key.
    pub(crate) fn new(api: &'a Api, vault: &'a Vault, key: &'a RowKey) -> Self {
        Self { api, vault, key }
    }

    /// A page of the forms.
    pub(crate) async fn forms(self, page: &Page) -> Result<Forms, AccountError> {
        let first = self.vault.hand_out(self.key, MinLife::BestEffort).await?;
        match self.api.forms(first.access_token(), page).await {
            Err(refusal @ ApiError::Unauthorized { .. }) => {
                match replacement_token::obtain(&first, self.vault, self.key).await? {
                    Some(second) => Ok(self.api.forms(second.access_token(), page).await?),
                    None => Err(refusal.into()),
                }
            }
            answer => Ok(answer?),
        }
    }
}
