//! The report as text: a block of lines for each connection, import and tombstone.

use time::OffsetDateTime;

use crate::{
    store::records::State,
    telemetry::excerpt,
    times::{ago, rfc3339, span},
    vault::{
        Attention, FailureReport, Forgotten, ImportReport, Inventory, NextStep, Obstacle, Report, SealingKeyUsage,
        Undecryptable, Unreadable,
    },
};

/// Names of lines are padded to this.
const WIDTH: usize = 16;

pub(super) fn of(inventory: &Inventory, now: OffsetDateTime) -> String {
    let Inventory { login_url, connections, imports, forgotten, unreadable, sealed_by, next, .. } = inventory;
    let mut blocks: Vec<String> =
        inventory.undecryptable().map(|count| format!("{count}. {}", Undecryptable::FIX)).into_iter().collect();
    blocks.extend(connections.iter().map(|report| connection(report, login_url, now)));
    blocks.extend(imports.iter().map(|report| import(report, login_url)));
    blocks.extend(forgotten.iter().map(tombstone));
    blocks.extend(unreadable.iter().map(undecryptable));
    if blocks.is_empty() {
        return "Nobody is connected.".to_owned();
    }
    blocks.push(sealing_keys(sealed_by));
    blocks.extend(next.as_ref().map(|next| format!("There are more: add --after '{}'", excerpt(next))));
    blocks.join("\n\n")
}

fn connection(report: &Report, login_url: &str, now: OffsetDateTime) -> String {
    let mut block = Block::new(name(report.user.as_ref(), report.user_id.as_ref()));
    block.line("State", report.state.as_str());
    block.line("Connection", format!("{} (generation {})", excerpt(&report.connection_id), report.generation));
    if let Some(obstacle) = report.obstacle {
        block.line(limit(obstacle), obstacle);
    }
    block.line("Access token", end(report.expires_at, now));
    block.line("Logged in", format!("{} ({})", rfc3339(report.minted_at), ago(now - report.minted_at)));
    block.line("Refreshed", refreshed(report));
    block.line("Rotation", report.rotation);
    block.maybe("Next refresh", report.next_refresh.map(rfc3339));
    block.maybe("Previous one", report.previous_lasted().map(|lasted| format!("lasted {lasted}")));
    block.maybe("Log in", report.log_in_before.map(|before| format!("before {}", rfc3339(before))));
    block.failure(report.failure.as_ref(), login_url);
    block.next_step(report, login_url);
    block.text()
}

/// What an obstacle prevents.
fn limit(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::NotAllowed | Obstacle::OtherClient => "Not used",
        Obstacle::NoRefreshToken => "Not refreshed",
    }
}

fn import(report: &ImportReport, login_url: &str) -> String {
    let mut block = Block::new("An import without an owner".to_owned());
    block.line("State", report.state);
    block.line("Started", rfc3339(report.started_at));
    block.line("Exchanged", report.exchanged_at.map_or_else(|| "not yet".to_owned(), rfc3339));
    block.failure(report.failure.as_ref(), login_url);
    if report.failure.is_none() {
        block.line("Next step", NextStep::ImportAgain);
    }
    block.text()
}

fn tombstone(forgotten: &Forgotten) -> String {
    let mut block = Block::new(name(forgotten.user.as_ref(), forgotten.user_id.as_ref()));
    block.line("State", "forgotten");
    block.line("Logged in", rfc3339(forgotten.minted_at));
    block.line("Forgotten", rfc3339(forgotten.removed_at));
    block.text()
}

fn undecryptable(row: &Unreadable) -> String {
    let mut block = Block::new(excerpt(&row.key));
    block.line("State", format!("{}, but it cannot be decrypted", row.state));
    block.line("Likely cause", "EXPRESS_SESSION has changed.");
    block.line("Next step", Undecryptable::FIX);
    block.text()
}

fn sealing_keys(SealingKeyUsage { current, previous, unknown }: &SealingKeyUsage) -> String {
    let mut block = Block::new("Sealed by".to_owned());
    block.line("EXPRESS_SESSION", current);
    for (place, count) in previous.iter().enumerate() {
        let advice = if *count == 0 {
            "none: it can be dropped"
        } else {
            "keep it until the server has encrypted them with the new one"
        };
        block.line("Previous", format!("{count} by number {} of EXPRESS_SESSION_PREVIOUS ({advice})", place + 1));
    }
    if *unknown > 0 {
        block.line("Unknown", format!("{unknown} by a secret that is not here"));
    }
    block.text()
}

/// A title, and indented lines below it.
struct Block(Vec<String>);

impl Block {
    fn new(title: String) -> Self {
        Self(vec![title])
    }

    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push(format!("  {name:WIDTH$} {value}"));
    }

    fn text(self) -> String {
        self.0.join("\n")
    }

    fn maybe(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    fn failure(&mut self, failure: Option<&FailureReport>, login_url: &str) {
        let Some(failure) = failure else { return };
        let FailureReport { since, said, cause, next_step, .. } = failure;
        let times = failure.in_a_row().map(|times| format!(", {times}")).unwrap_or_default();
        self.line("Refresh failed", format!("since {}{times}", rfc3339(*since)));
        self.line("VideoAsk says", said);
        self.line("Likely cause", cause);
        self.line("Next step", next_step);
        if *next_step == NextStep::LogInAgain {
            self.line("Log in", login_url);
        }
    }

    /// The next step of a connection that needs a person, if no failed refresh names it.
    fn next_step(&mut self, report: &Report, login_url: &str) {
        match (report.attention, report.state, &report.failure) {
            (Attention::Now, State::Revoking, _) => {
                let user = excerpt(report.user_id.as_deref().unwrap_or_default());
                self.line("Next step", format!("Run `videoask-auth forget --revoke --user {user}` again."));
            }
            (Attention::Now, _, None) => {
                self.line("Next step", NextStep::LogInAgain);
                self.line("Log in", login_url);
            }
            (Attention::Now, _, Some(_)) | (Attention::Soon | Attention::None, ..) => {}
        }
    }
}

fn name(user: Option<&String>, user_id: Option<&String>) -> String {
    let shown = |text: &String| excerpt(text);
    match (user, user_id) {
        (Some(user), Some(id)) if user != id => format!("{} (user_id {})", excerpt(user), excerpt(id)),
        (user, id) => user.or(id).map_or_else(|| "a user without a name".to_owned(), shown),
    }
}

fn refreshed(report: &Report) -> String {
    match (report.refreshed_at, &report.refreshed_by) {
        (Some(at), Some(by)) => {
            let times = if report.refreshes == 1 { "once".to_owned() } else { format!("{} times", report.refreshes) };
            format!("{}, by process {}; {times} in all", rfc3339(at), excerpt(by))
        }
        _ => "not yet".to_owned(),
    }
}

fn end(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let left = at - now;
    if left.is_positive() {
        format!("expires {} (in {})", rfc3339(at), span(left))
    } else {
        format!("expired {}", rfc3339(at))
    }
}
