//! What `check` says of each connection: which need a login, and which cannot be decrypted.

use url::Url;

use crate::{
    app,
    cli::{check::Line, error::CliError},
    clock::Clock,
    config::{AllowedUsers, Config, Mode, StoreUrl},
    store::{self, IfMissing, records::State},
    vault::{
        Attention, Callers, FailureReport, Inventory, NextStep, Obstacle, Part, Report, Undecryptable, Vault,
        VaultError, WHOLE_PART,
    },
};

/// Looks at every connection. In mint mode, and without a store, there is none.
pub(super) async fn examine(config: Config) -> Result<Vec<Line>, CliError> {
    let (Mode::Keep(allowed), StoreUrl::Sqlite(_) | StoreUrl::Redis(_)) = (config.mode.clone(), &config.store) else {
        return Ok(Vec::new());
    };
    // The check of the store has reported why it does not open.
    let Ok(opened) = store::open(&config.store, IfMissing::Refuse).await else { return Ok(Vec::new()) };
    let login = config.app_url.join("/auth/videoask");
    let vault = app::state(&config, opened.store, Clock::system(), Callers::Command)?.vault;
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let inventory = match vault.inventory(&login, Part { after, limit: WHOLE_PART }).await {
            Ok(inventory) => inventory,
            Err(error) => return Ok(vec![unlisted(&error)]),
        };
        if lines.is_empty() {
            lines.extend(undecryptable(&inventory));
        }
        lines.extend(of_inventory(&inventory, &login));
        after = inventory.next;
        if after.is_none() {
            break;
        }
    }
    lines.extend(without_connection(&vault, &allowed, &login).await);
    Ok(lines)
}

fn unlisted(error: &VaultError) -> Line {
    Line::problem(format!("the connections cannot be listed: {error}"), "Check the store, then run check again.")
}

fn undecryptable(inventory: &Inventory) -> Option<Line> {
    inventory.undecryptable().map(|count| Line::problem(count.to_string(), Undecryptable::FIX))
}

fn of_inventory(inventory: &Inventory, login: &Url) -> Vec<Line> {
    let imports = inventory.imports.iter().filter_map(|import| import.failure.as_ref()).map(|failure| {
        let text = format!("an import did not succeed: {}", failure.said);
        Line::problem(text, fix(failure, "the user of the import", login))
    });
    let connections = inventory.connections.iter().map(|report| of_connection(report, login));
    imports.chain(connections).collect()
}

fn of_connection(report: &Report, login: &Url) -> Line {
    let user = report.user.as_deref().unwrap_or("a user without a name");
    match (report.state, report.obstacle, &report.failure) {
        (State::Revoking, ..) => Line::problem(
            format!("VideoAsk has not confirmed that the connection of {user} is revoked"),
            format!("Run `videoask-auth forget --revoke --user {user}` again."),
        ),
        (State::Dead, _, None) => {
            Line::problem(format!("{user} must log in again"), format!("Log in as {user} at {login}"))
        }
        (State::Dead | State::Blocked, _, Some(failure)) => Line::problem(
            format!("VideoAsk refused to refresh the token of {user}: {}", failure.said),
            fix(failure, user, login),
        ),
        (_, Some(obstacle @ Obstacle::OtherClient), _) => {
            Line::problem(format!("the connection of {user} is not used"), obstacle.to_string())
        }
        (_, Some(obstacle @ Obstacle::NoRefreshToken), _) if report.attention == Attention::Now => {
            Line::problem(format!("the access token of {user} has expired"), format!("{obstacle} ({login})"))
        }
        (_, Some(obstacle @ (Obstacle::NotAllowed | Obstacle::NoRefreshToken)), _) => {
            Line::note(format!("{user} is connected, with a limit. {obstacle}"))
        }
        (_, None, Some(failure)) => {
            Line::note(format!("the last refresh of {user} failed: {}. {}", failure.said, failure.next_step))
        }
        (_, None, None) => Line::good(format!("{user} is connected")),
    }
}

/// The next step for a connection with a problem, for a person who is already running `check`.
fn fix(failure: &FailureReport, user: &str, login: &Url) -> String {
    match failure.next_step {
        NextStep::LogInAgain => format!("Log in as {user} at {login}"),
        NextStep::Check => format!("{} Fix what else this check finds.", failure.cause),
        step @ (NextStep::Wait
        | NextStep::TryAgain
        | NextStep::RefreshAgain
        | NextStep::ImportAgain
        | NextStep::AskAdministrator) => {
            format!("{} {step}", failure.cause)
        }
    }
}

/// Entries of ALLOWED_USERS that nobody is connected as: not logged in yet, or misspelled.
async fn without_connection(vault: &Vault, allowed: &AllowedUsers, login: &Url) -> Vec<Line> {
    let mut lines = Vec::new();
    for entry in allowed.entries() {
        match vault.find(entry).await {
            Err(VaultError::NotConnected) => lines.push(Line::note(format!(
                "nobody is connected as {entry}, an entry of ALLOWED_USERS. Log in at {login}, or check its spelling"
            ))),
            Err(VaultError::AmbiguousUser) => lines.push(Line::problem(
                format!("{entry}, an entry of ALLOWED_USERS, matches more than one connection"),
                "List the user_id instead, which `videoask-auth status` shows, or forget one of the two.",
            )),
            // The lines above have reported the others.
            Ok(_) | Err(_) => {}
        }
    }
    lines
}
