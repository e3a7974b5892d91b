//! What follows a 401, for every call with the vault's token.

use crate::{
    store::RowKey,
    vault::{HandedOut, MinLife, Vault, VaultError},
};

/// The token for the one retry after the API refused `refused`, got by a forced refresh where that was the current one.
/// Nothing where there is no other token: the refusal is the answer then.
pub(crate) async fn obtain(refused: &HandedOut, vault: &Vault, key: &RowKey) -> Result<Option<HandedOut>, VaultError> {
    let given = vault.replace_rejected(key, refused.access_token(), MinLife::BestEffort).await?;
    Ok(Some(given).filter(|given| given.access_token().secret() != refused.access_token().secret()))
}
