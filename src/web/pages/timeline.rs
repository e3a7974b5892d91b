//! The timeline of a connection: what comes next, and then what happened, newest first.

use time::OffsetDateTime;

use crate::{
    store::records::State,
    vault::{Report, Rotation},
    web::pages::{markup::Markup, rich_text::RichText, token_owner::TokenOwner},
};

#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) kind: EventKind,
    pub(crate) title: RichText,
    /// When it happened or will happen, and what else is known about it.
    pub(crate) details: Vec<RichText>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    Next,
    Good,
    Bad,
}

impl EventKind {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

/// The entries of the timeline. In mint mode it is empty before the first refresh or failure, since the page shows the
/// time of the login elsewhere.
pub(crate) fn events(report: &Report, owner: TokenOwner, now: OffsetDateTime) -> Vec<Event> {
    let happened: Vec<_> = failure(report, now).into_iter().chain(refresh(report, owner, now)).collect();
    match owner {
        TokenOwner::Person if happened.is_empty() => happened,
        TokenOwner::Person | TokenOwner::App => {
            next(report, now).into_iter().chain(happened).chain([login(report, now)]).collect()
        }
    }
}

/// What is known about the rotation of refresh tokens; `None` before the first refresh.
pub(crate) fn rotation(rotation: Rotation) -> Option<String> {
    match rotation {
        Rotation::Seen | Rotation::NotSeen => Some(rotation.to_string()),
        Rotation::Unknown => None,
    }
}

fn next(report: &Report, now: OffsetDateTime) -> Option<Event> {
    let (title, detail) = match (report.state, report.next_refresh) {
        (State::Dead, _) if report.expires_at > now => {
            ("Programs stop", RichText::default().time(report.expires_at, now).text(", unless you log in again"))
        }
        (State::Dead, _) | (_, None) => return None,
        (_, Some(at)) => ("Next refresh", RichText::default().time(at, now)),
    };
    Some(Event { kind: EventKind::Next, title: title.into(), details: vec![detail] })
}

fn failure(report: &Report, now: OffsetDateTime) -> Option<Event> {
    let failure = report.failure.as_ref().filter(|_| report.has_refresh_token())?;
    let title = match report.state {
        State::Dead | State::Blocked => "Refresh refused",
        State::Live | State::Revoking | State::Pending | State::Tombstone => "Refresh failed",
    };
    let title = match failure.in_a_row() {
        Some(times) => format!("{title}, {times}"),
        None => title.to_owned(),
    };
    let details = vec![
        RichText::from("Since ").time(failure.since, now),
        RichText::from("VideoAsk says: ").untrusted(&failure.said),
        RichText::from("Likely cause: ").text(Markup::of_plain(failure.cause)),
        RichText::from("Next step: ").text(Markup::of_plain(&failure.next_step.to_string())),
    ];
    Some(Event { kind: EventKind::Bad, title: Markup::from(title).into(), details })
}

fn refresh(report: &Report, owner: TokenOwner, now: OffsetDateTime) -> Option<Event> {
    let at = report.refreshed_at?;
    let title = match report.refreshes {
        0 | 1 => "Refreshed".to_owned(),
        count => format!("Refreshed, for the {} time", ordinal(count)),
    };
    let when = RichText::default().time(at, now);
    // The process is shown only in keep mode, where several processes may refresh.
    let when = match (owner, &report.refreshed_by) {
        (TokenOwner::App, Some(process)) => when.text(", by process ").untrusted(process),
        (TokenOwner::App, None) | (TokenOwner::Person, _) => when,
    };
    let token = match report.rotation {
        Rotation::Seen => Some("VideoAsk issued a new refresh token."),
        Rotation::NotSeen => Some("The refresh token stayed the same."),
        Rotation::Unknown => None,
    };
    let details = [Some(when), token.map(RichText::from)].into_iter().flatten().collect();
    Some(Event { kind: EventKind::Good, title: Markup::from(title).into(), details })
}

fn login(report: &Report, now: OffsetDateTime) -> Event {
    let title = match &report.user {
        Some(user) => RichText::from("Logged in as ").untrusted(user),
        None => RichText::from("Logged in"),
    };
    let previous = report.previous_lasted();
    let previous = previous.map(|lasted| RichText::from(format!("The previous connection lasted {lasted}.")));
    let details = [Some(RichText::default().time(report.minted_at, now)), previous].into_iter().flatten().collect();
    Event { kind: EventKind::Good, title, details }
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`.
fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_end_as_in_english() {
        let told: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 113].map(ordinal).into();
        assert_eq!(told, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "113th"]);
    }
}
