//! The card at the top of the token page: the state of the connection, and the next action.

use time::{Duration, OffsetDateTime};

use crate::{
    store::records::State,
    times::span,
    vault::{FailureReport, NextStep, Obstacle, Report, Urgency},
    web::pages::{link::Link, markup::Markup, rich_text::RichText, token_owner::TokenOwner},
};

/// An access token that works for less than this is shown as about to expire.
const SOON: Duration = Duration::minutes(10);
/// How many seconds after an expected change of the state the page reloads.
const RELOAD_MARGIN: i64 = 2;
/// How many seconds the page waits before it reloads while the vault refreshes an expired token.
const RELOAD_WHILE_REFRESHING: i64 = 30;

#[derive(Debug)]
pub(crate) struct StatusCard {
    pub(crate) tone: Tone,
    /// The state, in a few words.
    pub(crate) title: RichText,
    pub(crate) sentences: Vec<RichText>,
    pub(crate) action: CardAction,
    /// In how many seconds an open page should reload, because the state has probably changed by then.
    pub(crate) reload_in: Option<i64>,
}

/// How good the state is. The text says it too, so that it does not depend on the colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    /// Something needs attention.
    Warning,
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CardAction {
    None,
    /// A link, as the page's primary action.
    Link(Link),
    Refresh(Emphasis),
}

/// Whether a button is the primary action of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emphasis {
    Primary,
    Secondary,
}

impl Tone {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

impl StatusCard {
    /// The card for a connection. An obstacle, which no refresh can remove, comes before a failure.
    pub(crate) fn of(report: &Report, owner: TokenOwner, now: OffsetDateTime) -> Self {
        let card = match (report.obstacle, &report.failure) {
            (Some(Obstacle::NoRefreshToken), _) => no_refresh_token(report, now),
            (Some(obstacle @ (Obstacle::OtherClient | Obstacle::NotAllowed)), _) => not_in_use(obstacle, report, now),
            (None, Some(failure)) => failing(report, failure, owner, now),
            (None, None) if report.expires_at <= now => expired(owner),
            (None, None) => working(report, owner, now),
        };
        Self { reload_in: card.reload_in.or_else(|| reload_in(report, now)), ..card }
    }

    fn new(
        tone: Tone,
        title: impl Into<RichText>,
        sentences: impl IntoIterator<Item = RichText>,
        action: CardAction,
    ) -> Self {
        let (title, sentences) = (title.into(), sentences.into_iter().collect());
        Self { tone, title, sentences, action, reload_in: None }
    }

    /// Whether the action of the card is the primary one of the page.
    pub(crate) fn has_primary_action(&self) -> bool {
        match self.action {
            CardAction::Link(_) | CardAction::Refresh(Emphasis::Primary) => true,
            CardAction::None | CardAction::Refresh(Emphasis::Secondary) => false,
        }
    }

    /// Whether the rest of the page offers the refresh, because the card has no action.
    pub(crate) fn leaves_refresh_to_the_page(&self) -> bool {
        self.action == CardAction::None
    }
}

/// In how many seconds the page should reload: when the token expires or the next refresh is due, and a margin later.
fn reload_in(report: &Report, now: OffsetDateTime) -> Option<i64> {
    let moments = [Some(report.expires_at), report.next_refresh].into_iter().flatten();
    let next = moments.filter(|at| *at > now).min()?;
    Some((next - now).whole_seconds() + RELOAD_MARGIN)
}

fn validity(report: &Report, now: OffsetDateTime) -> RichText {
    if report.expires_at <= now {
        return "The access token has expired.".into();
    }
    let line = RichText::from("The access token works for ").time_left(report.expires_at, now);
    line.text(", until ").time(report.expires_at, now).text(".")
}

fn tone_of_expiry(report: &Report, now: OffsetDateTime) -> Tone {
    if report.expires_at <= now { Tone::Bad } else { Tone::Warning }
}

fn no_refresh_token(report: &Report, now: OffsetDateTime) -> StatusCard {
    let sentences = [
        validity(report, now),
        "VideoAsk issued only an access token. When it expires, you have to log in again.".into(),
    ];
    let action = CardAction::Link(Link::LogInAgain);
    StatusCard::new(tone_of_expiry(report, now), "There is no refresh token", sentences, action)
}

fn not_in_use(obstacle: Obstacle, report: &Report, now: OffsetDateTime) -> StatusCard {
    let sentences = [validity(report, now), Markup::of_plain(&obstacle.to_string()).into()];
    StatusCard::new(Tone::Bad, "This connection is not in use", sentences, CardAction::Link(Link::LogInAgain))
}

fn failing(report: &Report, failure: &FailureReport, owner: TokenOwner, now: OffsetDateTime) -> StatusCard {
    let (title, tone) = match report.state {
        State::Dead => ("Connection lost".into(), Tone::Bad),
        State::Blocked => ("VideoAsk refused the refresh".into(), Tone::Bad),
        State::Live | State::Revoking | State::Pending | State::Tombstone => {
            let title = match owner {
                TokenOwner::Person => "The last refresh failed".into(),
                TokenOwner::App => RichText::from("Refresh failing since ").time(failure.since, now),
            };
            (title, tone_of_expiry(report, now))
        }
    };
    let action = match (failure.next_step, owner) {
        (NextStep::LogInAgain, _) => CardAction::Link(Link::LogInAgain),
        (NextStep::RefreshAgain, _) | (NextStep::Check | NextStep::AskAdministrator, TokenOwner::Person) => {
            CardAction::Refresh(Emphasis::Primary)
        }
        // No page shows an import.
        (
            NextStep::Wait | NextStep::TryAgain | NextStep::ImportAgain | NextStep::Check | NextStep::AskAdministrator,
            _,
        ) => CardAction::Refresh(Emphasis::Secondary),
    };
    // The timeline below has the cause and the next step.
    let outlook = match (report.state, report.next_refresh) {
        (State::Dead, _) => Some("This app can no longer refresh it.".into()),
        (_, Some(at)) if at > now => Some(RichText::from("Next attempt ").time(at, now).text(".")),
        _ => None,
    };
    let sentences = [Some(validity(report, now)), outlook];
    StatusCard::new(tone, title, sentences.into_iter().flatten(), action)
}

fn expired(owner: TokenOwner) -> StatusCard {
    let title = "The access token has expired";
    let action = CardAction::Refresh(Emphasis::Primary);
    match owner {
        TokenOwner::Person => {
            let sentence = "Press \"Refresh now\" to get a new one with the refresh token.";
            StatusCard::new(Tone::Bad, title, [sentence.into()], action)
        }
        TokenOwner::App => {
            let card = StatusCard::new(Tone::Warning, title, ["This app refreshes it now.".into()], action);
            StatusCard { reload_in: Some(RELOAD_WHILE_REFRESHING), ..card }
        }
    }
}

fn working(report: &Report, owner: TokenOwner, now: OffsetDateTime) -> StatusCard {
    match (report.login_end.filter(|end| end.urgency(now) > Urgency::None), owner) {
        (Some(end), _) => {
            let title = if end.at > now {
                RichText::from("Log in before ").time(end.at, now)
            } else {
                "Log in again soon".into()
            };
            let sentences = [format!("{end} A new login keeps your programs going.").into(), validity(report, now)];
            StatusCard::new(Tone::Warning, title, sentences, CardAction::Link(Link::LogInAgain))
        }
        (None, TokenOwner::Person) => {
            let soon = report.expires_at - now < SOON;
            let (tone, title) = if soon { (Tone::Warning, "Expires in ") } else { (Tone::Good, "Valid for ") };
            let title = RichText::from(title).time_left(report.expires_at, now);
            let expires = RichText::from("Expires ").time(report.expires_at, now).text(".");
            StatusCard::new(tone, title, [expires], CardAction::None)
        }
        (None, TokenOwner::App) => {
            let next = match report.next_refresh {
                Some(at) if at > now => RichText::from(format!("Next refresh in {}, by this app.", span(at - now))),
                Some(_) | None => "This app refreshes it before it expires.".into(),
            };
            let action = CardAction::Refresh(Emphasis::Secondary);
            StatusCard::new(Tone::Good, "Connected", [validity(report, now), next], action)
        }
    }
}
