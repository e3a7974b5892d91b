//! Finds the connection that a machine request is for.

use crate::{
    api_key::{Access, Caller},
    config::Mode,
    store::RowKey,
    vault::VaultError,
    web::{
        api::{
            problem::Problem,
            rights::{matching_users, permit},
        },
        state::AppState,
    },
};

/// The connection of the user of this name, or of the first entry in `ALLOWED_USERS`; never another one instead. The
/// vault checks at each use whether the user is still allowed. For a key that does not cover this access to that user,
/// the error is the same for every user.
pub(super) async fn find_connection(
    app: &AppState,
    caller: &Caller,
    access: Access<'_>,
    user: Option<&str>,
) -> Result<RowKey, Problem> {
    let Mode::Keep(allowed) = &app.mode else { return Err(Problem::NotFound) };
    let Some(name) = user.or_else(|| allowed.first()) else {
        return Err(VaultError::NotAllowed.into());
    };
    if name.is_empty() {
        return Err(Problem::Invalid("The name of the user is empty."));
    }
    let found = app.vault.find(name).await;
    permit(app, caller, access, &matching_users(app, caller, name, found.as_ref().ok()).await?)?;
    match found {
        Ok(key) => Ok(key),
        Err(VaultError::NotConnected | VaultError::Undecryptable(_))
            if allowed.admits(Some(name), Some(name), None).is_none() =>
        {
            Err(VaultError::NotAllowed.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The name of a user as a query or a form has it: decoding turns a `+` that was not encoded into a space, and no name
/// has a space.
pub(super) fn of_form(name: &str) -> String {
    name.replace(' ', "+")
}
