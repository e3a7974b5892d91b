//! Finds the connection that a machine request is for.

use crate::{
    config::Mode,
    store::RowKey,
    vault::VaultError,
    web::{api::problem::Problem, state::AppState},
};

/// The connection of the user of this name, or of the first entry in `ALLOWED_USERS`; never another one instead. The
/// vault checks at each use whether the user is still allowed.
pub(super) async fn find_connection(app: &AppState, user: Option<&str>) -> Result<RowKey, Problem> {
    let Mode::Keep(allowed) = &app.mode else { return Err(Problem::NotFound) };
    let Some(name) = user.or_else(|| allowed.entries().first().map(String::as_str)) else {
        return Err(VaultError::NotAllowed.into());
    };
    if name.is_empty() {
        return Err(Problem::Invalid("The name of the user is empty."));
    }
    match app.vault.find(name).await {
        Ok(key) => Ok(key),
        Err(VaultError::NotConnected | VaultError::Undecryptable(_))
            if allowed.admits(Some(name), Some(name), None).is_none() =>
        {
            Err(VaultError::NotAllowed.into())
        }
        Err(error) => Err(error.into()),
    }
}
