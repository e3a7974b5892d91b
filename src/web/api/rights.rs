//! What the API key of a machine request covers.

use std::collections::BTreeSet;

use crate::{
    api_key::{Access, Caller, Decision, Request},
    store::RowKey,
    vault::VaultError,
    web::{api::problem::Problem, state::AppState},
};

/// Asks whether the key covers this, for a user with these names.
pub(super) fn permit(app: &AppState, caller: &Caller, access: Access<'_>, user: &[&str]) -> Result<(), Problem> {
    match caller.rights().permits(&Request { at: app.clock.now(), access, user }) {
        Decision::Permitted => Ok(()),
        Decision::Expired => Err(Problem::KeyExpired),
        Decision::Denied(uncovered) => {
            Err(Problem::InsufficientScope { uncovered, covers: caller.rights().to_string().into() })
        }
    }
}

/// The users of a key that mean the connection which was found by this name. If none was, the names are compared in any
/// case: only the error depends on it.
pub(super) async fn matching_users<'a>(
    app: &AppState,
    caller: &'a Caller,
    name: &str,
    found: Option<&RowKey>,
) -> Result<Vec<&'a str>, Problem> {
    let mut names = Vec::new();
    for user in &caller.rights().users {
        let matches = match found {
            Some(found) => connection_of(app, user).await?.as_ref() == Some(found),
            None => user.eq_ignore_ascii_case(name),
        };
        names.extend(matches.then_some(user.as_str()));
    }
    Ok(names)
}

/// The connections of the users that a key is limited to, if it is.
pub(super) async fn covered_connections(app: &AppState, caller: &Caller) -> Result<Option<BTreeSet<RowKey>>, Problem> {
    if caller.rights().users.is_empty() {
        return Ok(None);
    }
    let mut keys = BTreeSet::new();
    for user in &caller.rights().users {
        keys.extend(connection_of(app, user).await?);
    }
    Ok(Some(keys))
}

/// The connection of a user of a key; none if there is none, or more than one.
async fn connection_of(app: &AppState, user: &str) -> Result<Option<RowKey>, Problem> {
    match app.vault.find(user).await {
        Ok(key) => Ok(Some(key)),
        Err(VaultError::NotConnected | VaultError::Undecryptable(_) | VaultError::AmbiguousUser) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
