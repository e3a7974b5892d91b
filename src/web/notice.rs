//! What the token page says first when something is not as it should be.

use time::OffsetDateTime;

use crate::{
    store::records::State,
    vault::{NextStep, Report},
};

use super::{explain::Action, moments::moment, page::Holder, prose::Prose};

/// A title, a few sentences, what VideoAsk said, and maybe a link.
#[derive(Debug, PartialEq, Eq)]
pub struct Notice {
    /// One line.
    pub title: &'static str,
    /// What it means, and what to do.
    pub sentences: Vec<Prose>,
    /// Names and values that help to fix it.
    pub facts: Vec<(&'static str, String)>,
    /// The link that does it. Where there is one, it is the page's main action.
    pub action: Option<Action>,
}

/// What this browser's login came to, as far as the page must say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginResult {
    /// What the page shows.
    Shown,
    /// It came without a refresh token, so the page shows the connection from before.
    KeptOld,
}

impl Notice {
    /// The most important thing to say, if there is any.
    pub(super) fn of(report: &Report, holder: Holder, login: LoginResult, now: OffsetDateTime) -> Option<Self> {
        match login {
            LoginResult::KeptOld => Some(Self::kept_old()),
            LoginResult::Shown => Self::of_obstacle(report)
                .or_else(|| Self::of_trouble(report, now))
                .or_else(|| Self::of_expiry(report, holder, now)),
        }
    }

    fn new(title: &'static str, sentences: impl IntoIterator<Item = &'static str>) -> Self {
        let sentences = sentences.into_iter().map(Prose::from).collect();
        Self { title, sentences, facts: Vec::new(), action: None }
    }

    fn kept_old() -> Self {
        Self::new(
            "Your earlier connection was kept",
            [
                "Your new login came without a refresh token, so your earlier connection, which has one, was kept. It \
                 is shown here.",
                "To replace it, add `offline_access` to `SCOPES` and log in again, or revoke it first.",
            ],
        )
    }

    /// The page has a notice of its own where there is no refresh token.
    fn of_obstacle(report: &Report) -> Option<Self> {
        let obstacle = report.obstacle.filter(|_| report.has_refresh_token())?;
        let sentences = vec![obstacle.to_string().into()];
        Some(Self { sentences, ..Self::new("This connection is not in use", []) })
    }

    fn of_trouble(report: &Report, now: OffsetDateTime) -> Option<Self> {
        let trouble = report.trouble.as_ref().filter(|_| report.has_refresh_token())?;
        let title = match report.state {
            State::Dead => "Connection lost: log in again",
            State::Blocked => "VideoAsk refused the refresh",
            State::Live | State::Revoking | State::Pending | State::Tombstone => "The last refresh failed",
        };
        let action = match trouble.next_step {
            NextStep::LogInAgain => Some(Action::LogInAgain),
            NextStep::Wait | NextStep::RefreshAgain | NextStep::Check | NextStep::AskAdministrator => None,
        };
        let sentences = vec![trouble.cause.into(), trouble.next_step.to_string().into()];
        let facts = vec![("VideoAsk says", trouble.said.clone()), ("Since", moment(trouble.since, now))];
        Some(Self { title, sentences, facts, action })
    }

    /// In keep mode the vault is about to refresh, or has said what is in the way.
    fn of_expiry(report: &Report, holder: Holder, now: OffsetDateTime) -> Option<Self> {
        let expired = report.has_refresh_token() && report.expires_at <= now;
        match holder {
            Holder::Person if expired => Some(Self::new(
                "The access token has expired",
                ["Press \"Refresh now\" to get a new one with the refresh token."],
            )),
            Holder::Person | Holder::App => None,
        }
    }
}
