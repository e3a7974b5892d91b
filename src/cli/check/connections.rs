//! What `check` says of each kept connection: who needs a person, and what cannot be decrypted.

use url::Url;

use crate::{
    app::House,
    clock::Clock,
    config::{AllowedUsers, Config, Mode, StoreUrl},
    store::{self, Missing, records::State},
    vault::{HandOutError, Inventory, NotFound, Obstacle, Report, Unreadable, Vault},
};

use super::{super::failure::Failure, Line};

/// Looks at every connection. In mint mode, and without a store, there is none.
pub(super) async fn examine(config: Config) -> Result<Vec<Line>, Failure> {
    let (Mode::Keep(allowed), StoreUrl::Sqlite(_) | StoreUrl::Redis(_)) = (config.mode.clone(), &config.store) else {
        return Ok(Vec::new());
    };
    // Why it does not open has been said already.
    let Ok(opened) = store::open(&config.store, Missing::Refuse).await else { return Ok(Vec::new()) };
    let login = config.app_url.join("/auth/videoask");
    let vault = House::build(&config, opened.store, Clock::system())?.vault;
    let mut lines = match vault.inventory().await {
        Ok(inventory) => of_inventory(&inventory, &login),
        Err(error) => return Ok(vec![unlisted(&error)]),
    };
    lines.extend(without_connection(&vault, &allowed, &login).await);
    Ok(lines)
}

fn unlisted(error: &HandOutError) -> Line {
    Line::problem(format!("the connections cannot be listed: {error}"), "Check the store, then run check again.")
}

fn of_inventory(inventory: &Inventory, login: &Url) -> Vec<Line> {
    let undecryptable = undecryptable(&inventory.unreadable).into_iter();
    let imports = inventory.imports.iter().filter_map(|import| import.trouble.as_ref()).map(|trouble| {
        Line::problem(format!("VideoAsk did not take an imported refresh token: {}", trouble.said), trouble.next_step)
    });
    undecryptable
        .chain(imports)
        .chain(inventory.connections.iter().map(|report| of_connection(report, login)))
        .collect()
}

fn undecryptable(rows: &[Unreadable]) -> Option<Line> {
    let connections = match rows.len() {
        0 => return None,
        1 => "1 connection".to_owned(),
        count => format!("{count} connections"),
    };
    Some(Line::problem(
        format!("{connections} cannot be decrypted with this EXPRESS_SESSION"),
        "Put the former value of EXPRESS_SESSION into EXPRESS_SESSION_PREVIOUS, or log in again as each user that \
         `videoask-auth status` names.",
    ))
}

fn of_connection(report: &Report, login: &Url) -> Line {
    let user = report.user.as_deref().unwrap_or("a user without a name");
    let said = report.trouble.as_ref().map(|trouble| format!(": {}", trouble.said)).unwrap_or_default();
    let next_step = report.trouble.as_ref().map(|trouble| trouble.next_step);
    match (report.state, report.obstacle) {
        (State::Dead, _) => Line::problem(
            format!("{user} must log in again: VideoAsk no longer accepts the refresh token{said}"),
            format!("Log in as {user} at {login}"),
        ),
        (State::Blocked, _) => Line::problem(
            format!("VideoAsk refuses to refresh the token of {user}{said}"),
            format!("{} The login is at {login}", next_step.unwrap_or("Fix the other problems first.")),
        ),
        (State::Revoking, _) => Line::problem(
            format!("VideoAsk has not confirmed that the connection of {user} is revoked"),
            format!("Run `videoask-auth forget --revoke --user {user}` again."),
        ),
        (_, Some(obstacle @ Obstacle::OtherClient)) => {
            Line::problem(format!("the connection of {user} is not used"), obstacle.to_string())
        }
        (_, Some(obstacle @ (Obstacle::NotAllowed | Obstacle::NoRefreshToken))) => {
            Line::note(format!("{user} is connected, with a limit. {obstacle}"))
        }
        (State::Live | State::Pending | State::Tombstone, None) if report.trouble.is_some() => {
            Line::note(format!("the last refresh of {user} failed{said}; this app tries again"))
        }
        (State::Live | State::Pending | State::Tombstone, None) => Line::good(format!("{user} is connected")),
    }
}

/// Entries of ALLOWED_USERS that nobody is connected as: not logged in yet, or misspelled.
async fn without_connection(vault: &Vault, allowed: &AllowedUsers, login: &Url) -> Vec<Line> {
    let mut lines = Vec::new();
    for entry in allowed.entries() {
        match vault.find(entry).await {
            Err(NotFound::NotConnected) => lines.push(Line::note(format!(
                "nobody is connected as {entry}, an entry of ALLOWED_USERS. Log in at {login}, or check its spelling"
            ))),
            Err(NotFound::Ambiguous) => lines.push(Line::problem(
                format!("{entry}, an entry of ALLOWED_USERS, matches more than one connection"),
                "List the user_id instead, which `videoask-auth status` shows, or forget one of the two.",
            )),
            Ok(_) | Err(NotFound::StoreUnavailable) => {}
        }
    }
    lines
}
