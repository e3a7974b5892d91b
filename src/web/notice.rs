//! What the token page says before anything else, where something is not as it should be.

use crate::{
    store::records::State,
    vault::{NextStep, Report},
};

use super::explain::Action;

/// A title, a few sentences, and maybe a link.
#[derive(Debug, PartialEq, Eq)]
pub struct Notice {
    /// One line.
    pub title: &'static str,
    /// What it means, and what VideoAsk said.
    pub sentences: Vec<String>,
    /// What to do about it.
    pub action: Option<Action>,
}

impl Notice {
    /// The most important thing to say, if there is any.
    pub(super) fn of(report: &Report, kept_old: bool) -> Option<Self> {
        if kept_old {
            return Some(Self::kept_old());
        }
        if let Some(obstacle) = report.obstacle.filter(|_| report.has_refresh_token()) {
            return Some(Self {
                title: "This connection is not used",
                sentences: vec![obstacle.to_string()],
                action: None,
            });
        }
        let trouble = report.trouble.as_ref()?;
        let title = match report.state {
            State::Dead => "This connection has ended: log in again",
            State::Blocked => "VideoAsk refuses to refresh",
            State::Live | State::Revoking | State::Pending | State::Tombstone => "The last refresh did not work",
        };
        let action = match trouble.next_step {
            NextStep::LogInAgain => Some(Action::LogIn),
            NextStep::Wait | NextStep::RefreshAgain | NextStep::Check | NextStep::AskAdministrator => None,
        };
        let said = format!("VideoAsk said: {}. Since {}.", trouble.said, super::tokens::timestamp(trouble.since));
        let sentences = vec![said, trouble.cause.to_owned(), trouble.next_step.to_string()];
        Some(Self { title, sentences, action })
    }

    fn kept_old() -> Self {
        let sentences = vec![
            "Your login brought no refresh token, so the connection from before, which has one, was kept. This is it."
                .to_owned(),
            "To replace it, add offline_access to SCOPES and log in again, or revoke it first.".to_owned(),
        ];
        Self { title: "The connection from before is kept", sentences, action: None }
    }
}
