//! Whose connection a machine means.

use crate::{
    config::Mode,
    store::RowKey,
    vault::VaultError,
    web::{Site, api::problem::Problem},
};

impl Site {
    /// The connection of the user of this name, or of the first in `ALLOWED_USERS`; never another one in its place.
    /// Whether that user may be used is the vault's to say, at each use.
    pub(super) async fn connection_named(&self, user: Option<&str>) -> Result<RowKey, Problem> {
        let Mode::Keep(allowed) = &self.mode else { return Err(Problem::NotFound) };
        let Some(name) = user.or_else(|| allowed.entries().first().map(String::as_str)) else {
            return Err(Problem::NotAllowed);
        };
        if name.is_empty() {
            return Err(Problem::Invalid("The name of the user is empty."));
        }
        match self.vault.find(name).await {
            Ok(key) => Ok(key),
            Err(VaultError::NotConnected | VaultError::Undecryptable(_))
                if allowed.admits(Some(name), Some(name), None).is_none() =>
            {
                Err(Problem::NotAllowed)
            }
            Err(error) => Err(error.into()),
        }
    }
}
