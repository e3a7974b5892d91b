//! The token for the retry after a 401, for every call with the vault's token.

use crate::{
    store::RowKey,
    vault::{HandedOut, MinLife, Vault, VaultError},
};

/// Another token after the API rejected `refused`, by a forced refresh if that was the current one. `None` if there is no
/// other one: then the 401 is the response.
pub(crate) async fn obtain(refused: &HandedOut, vault: &Vault, key: &RowKey) -> Result<Option<HandedOut>, VaultError> {
    let given = vault.replace_rejected(key, refused.access_token(), MinLife::BestEffort).await?;
    Ok(Some(given).filter(|given| given.access_token().secret() != refused.access_token().secret()))
}
