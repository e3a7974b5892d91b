//! The token page, in every state of a connection.

use std::time::Duration;

use askama::Template;

use crate::{
    html::escaped::Text,
    store::records::{State, Version},
    vault::{Attention, Basis, Cause, FailureKind, FailureReport, LoginEnd, Obstacle, Report, Retry, Rotation},
    web::pages::{
        api_access::ApiAccess,
        confirmation::Confirmation,
        identity as identity_rows,
        markup::Markup,
        rich_text::RichText,
        snippets::{Purpose, Snippet},
        status_card::StatusCard,
        text_tests::{NOW, check, failure, identity, layout},
        timeline,
        token_owner::TokenOwner,
        tokens::{LoginResult, TokensPage},
    },
};

#[test]
fn every_state_of_the_token_page_has_a_text_and_an_action_that_fit() {
    let mut seen = 0;
    for owner in [TokenOwner::Person, TokenOwner::App] {
        for report in every_report(owner) {
            for login in [LoginResult::Shown, LoginResult::KeptOld] {
                for api_access in [
                    ApiAccess::Copied,
                    ApiAccess::Executed,
                    ApiAccess::Proxied { pick: None },
                    ApiAccess::Proxied { pick: Some("ada@example.com".to_owned()) },
                ] {
                    let name = format!("{owner:?} {login:?} {api_access:?} {report:?}");
                    check_token_page(&name, &report, owner, login, api_access);
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 2 * 2 * 4 * 2 * 3 * 14 * 3);
}

fn check_token_page(name: &str, report: &Report, owner: TokenOwner, login: LoginResult, api_access: ApiAccess) {
    let html = token_page(report, owner, login, api_access);
    check(name, &html);
    if let Some(failure) = &report.failure {
        let card = card_of(&html);
        assert!(!card.contains(&Markup::of_plain(failure.cause).to_string()), "{name}: the timeline has the cause");
    }
    let expired = report.expires_at <= NOW;
    assert_eq!(html.contains("The access token has expired"), expired, "{name}");
    if owner == TokenOwner::Person {
        assert!(!html.contains("this app tries again"), "{name}: nobody tries in mint mode");
    }
    if report.has_refresh_token() {
        assert!(html.contains("Revoke this connection"), "{name}");
        let only_a_login_helps = html.contains("<div class=\"go\"><a class=\"button primary\"");
        assert_eq!(html.matches(">Refresh now</button>").count(), usize::from(!only_a_login_helps), "{name}");
    } else {
        assert!(html.contains("There is no refresh token") && !html.contains("Refresh now<"), "{name}");
    }
}

#[test]
fn the_parts_of_the_page_come_in_the_order_of_their_use() {
    const STATUS: &str = "id=\"state\"";
    const TOKENS: &str = "id=\"access-token\"";
    const USE: &str = "<h2>Use it</h2>";
    const HISTORY: &str = "<h2>What happened</h2>";
    const DANGER: &str = "danger-zone";
    for (owner, healthy, failing) in [
        (TokenOwner::Person, &[STATUS, TOKENS, USE, HISTORY, DANGER], &[STATUS, HISTORY, TOKENS, USE, DANGER]),
        (TokenOwner::App, &[STATUS, USE, HISTORY, TOKENS, DANGER], &[STATUS, HISTORY, USE, TOKENS, DANGER]),
    ] {
        for report in every_report(owner).iter().filter(|report| report.refreshes > 0 && report.has_refresh_token()) {
            let html = token_page(report, owner, LoginResult::Shown, ApiAccess::Copied);
            let order = if report.failure.is_some() { failing } else { healthy };
            let places = order.map(|part| html.find(part).unwrap_or_else(|| panic!("{part} is missing: {report:?}")));
            assert!(places.is_sorted(), "{owner:?}: {report:?}");
        }
    }
}

#[test]
fn before_the_first_refresh_the_page_of_mint_mode_has_no_rows_without_news() {
    let owner = TokenOwner::Person;
    let fresh = |report: &&Report| report.refreshes == 0 && report.failure.is_none() && report.has_refresh_token();
    for report in every_report(owner).iter().filter(fresh) {
        let html = token_page(report, owner, LoginResult::Shown, ApiAccess::Copied);
        assert!(!html.contains("What happened") && !html.contains("<dt>Rotation"), "{html}");
    }
}

fn card_of(html: &str) -> &str {
    let (_, card) = html.split_once("<section class=\"card status").expect("there is a card");
    card.split_once("</section>").expect("it ends").0
}

fn token_page(report: &Report, owner: TokenOwner, login: LoginResult, api_access: ApiAccess) -> String {
    let page = TokensPage {
        layout: layout(),
        now: NOW,
        owner,
        confirmation: Some(Confirmation::Refreshed),
        login_result: login,
        card: StatusCard::of(report, owner, NOW),
        version: Version { connection_id: "id".to_owned(), generation: 1 },
        access_token: Text("access"),
        refresh_token: report.has_refresh_token().then_some(Text("refresh")),
        scope: None,
        user: identity_rows::rows(&identity()),
        logged_in: RichText::default().time(report.minted_at, NOW),
        rotation: timeline::rotation(report.rotation),
        timeline: timeline::events(report, owner, NOW),
        claims: None,
        scopes: &["openid".to_owned()],
        api_access,
        refreshing: &[Snippet::new(Purpose::Refresh, 1, "Node", "")],
        snippets: &[Snippet::new(Purpose::Access, 1, "Python", "")],
    };
    page.render().expect("it renders")
}

/// Every state that a shown connection may be in: 2 times of expiry, no obstacle or one of 2, no failure or one of 13,
/// and 3 histories.
fn every_report(owner: TokenOwner) -> Vec<Report> {
    let mut reports = Vec::new();
    for expires_at in [NOW + Duration::from_secs(86_340), NOW] {
        for obstacle in [None, Some(Obstacle::OtherClient), Some(Obstacle::NoRefreshToken)] {
            for (state, failure) in every_failure(owner) {
                for (refreshes, rotation) in [(0, Rotation::Unknown), (1, Rotation::NotSeen), (2, Rotation::Seen)] {
                    let refreshed = refreshes > 0;
                    reports.push(Report {
                        user: Some("ada@example.com".to_owned()),
                        user_id: None,
                        connection_id: "id".to_owned(),
                        generation: 1,
                        state,
                        obstacle,
                        expires_at,
                        minted_at: NOW - Duration::from_secs(refreshes * 4000),
                        refreshes,
                        refreshed_at: refreshed.then_some(NOW),
                        refreshed_by: refreshed.then(|| "1-2".to_owned()),
                        rotation,
                        next_refresh: refreshed.then_some(expires_at),
                        previous_lived: refreshed.then_some(0),
                        log_in_before: refreshed.then_some(expires_at),
                        login_end: (refreshes == 1).then_some(LoginEnd {
                            at: expires_at,
                            basis: Basis::EarlierLogin,
                            minted_at: NOW - Duration::from_secs(86_400 * 30),
                        }),
                        attention: Attention::None,
                        failure: failure.clone(),
                    });
                }
            }
        }
    }
    reports
}

fn every_failure(owner: TokenOwner) -> Vec<(State, Option<FailureReport>)> {
    let retry = match owner {
        TokenOwner::Person => Retry::Manual,
        TokenOwner::App => Retry::Automatic,
    };
    let causes = [
        Cause::Unreachable,
        Cause::NoResponse,
        Cause::Busy,
        Cause::UnusableResponse,
        Cause::GrantEnded,
        Cause::ImportRefused,
        Cause::ResponseLost,
        Cause::IdentityChanged,
        Cause::InteractionRequired,
        Cause::UserBlocked,
        Cause::ClientRejected,
        Cause::Denied,
        Cause::Other,
    ];
    let report = |cause: Cause| {
        let failure = failure(cause);
        let state = match cause.kind() {
            FailureKind::Transient => State::Live,
            FailureKind::Blocked => State::Blocked,
            FailureKind::Dead => State::Dead,
        };
        let report = FailureReport {
            since: failure.since,
            failures: failure.failures,
            said: failure.message.to_string(),
            cause: cause.explanation(Rotation::Seen),
            next_step: cause.next_step(retry),
        };
        (state, Some(report))
    };
    causes.into_iter().map(report).chain([(State::Live, None)]).collect()
}
