//! The JSON of one event.

use serde::Serialize;
use time::{OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem, macros::format_description};
use url::Url;

use crate::{
    notify::state::{EventKind, Pending},
    telemetry::excerpt,
    times::whole_seconds,
    vault::{Report, Status},
};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[day padding:none] [month repr:long] [year]");

/// One event, as it is sent to the receiver. It contains no secret.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// The id of the event. It is the same for each delivery.
    pub id: String,
    /// The kind of event, such as `log-in-again`.
    pub event: &'static str,
    /// When the event was noticed.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The user's e-mail address, or VideoAsk's id of the user if the address is not known.
    pub user: Option<String>,
    /// VideoAsk's own id of the user.
    pub user_id: Option<String>,
    /// One sentence with the link, in the field that Slack, Mattermost and Google Chat show.
    pub text: String,
    /// The same sentence, in the field that Discord shows.
    pub content: String,
    /// Why the user has to log in, or why refreshes are refused.
    pub reason: Option<String>,
    /// The URL at which the user logs in.
    pub login_url: String,
    /// When the login is expected to end, if that is known.
    #[serde(with = "time::serde::rfc3339::option")]
    pub log_in_before: Option<OffsetDateTime>,
}

impl Message {
    pub(super) fn of(pending: &Pending, status: &Status, login_url: &Url) -> Self {
        let report = Report::of(status, pending.at);
        let identity = &status.identity;
        let user = identity.email.as_ref().or(identity.user_id.as_ref()).map(|user| excerpt(user));
        let reason = reason(pending.event, &report);
        let text = sentence(pending.event, user.as_deref(), &report, reason.as_deref(), login_url);
        Self {
            id: pending.id.clone(),
            event: pending.event.name(),
            at: whole_seconds(pending.at),
            user,
            user_id: identity.user_id.clone(),
            content: text.clone(),
            text,
            reason,
            login_url: login_url.to_string(),
            log_in_before: report.log_in_before,
        }
    }

    /// The event of `check --notify`.
    pub(crate) fn test(id: String, at: OffsetDateTime, login_url: &Url) -> Self {
        let text = format!("This is a test of videoask-auth's notifications: {login_url}");
        Self {
            id,
            event: "test",
            at: whole_seconds(at),
            user: None,
            user_id: None,
            content: text.clone(),
            text,
            reason: None,
            login_url: login_url.to_string(),
            log_in_before: None,
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a message has only string keys, so JSON can write it")
    }
}

fn sentence(event: EventKind, user: Option<&str>, report: &Report, reason: Option<&str>, url: &Url) -> String {
    // A chat program would take <…> as a mention.
    let user = user.unwrap_or("a user without a name").replace(['<', '>'], "");
    let reason = reason.map(|reason| format!(" ({})", reason.trim_end_matches('.'))).unwrap_or_default();
    match event {
        EventKind::LogInSoon | EventKind::LogInVerySoon => {
            let before = report.log_in_before.map(|at| format!(" before {}", date(at))).unwrap_or_default();
            format!("Log in to VideoAsk as {user}{before}, so that programs keep getting tokens: {url}")
        }
        EventKind::LogInAgain => format!("Log in to VideoAsk as {user}: programs get no new tokens{reason}: {url}"),
        EventKind::Blocked => format!("VideoAsk refuses to refresh the tokens of {user}{reason}: {url}"),
        EventKind::Recovered => format!("The VideoAsk connection of {user} works again: {url}"),
    }
}

fn reason(event: EventKind, report: &Report) -> Option<String> {
    match event {
        EventKind::LogInSoon | EventKind::LogInVerySoon => report.login_end.map(|end| end.to_string()),
        EventKind::LogInAgain | EventKind::Blocked => Some(match &report.failure {
            Some(failure) => failure.cause.to_owned(),
            None => "The access token has expired, and there is no refresh token.".to_owned(),
        }),
        EventKind::Recovered => None,
    }
}

fn date(at: OffsetDateTime) -> String {
    at.to_offset(UtcOffset::UTC).format(DATE).unwrap_or_default()
}
