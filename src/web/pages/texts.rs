//! Renders every error page and every state of the other pages, and checks that text and action fit.

use std::time::Duration;

use askama::Template;
use time::{OffsetDateTime, macros::datetime};
use tower_sessions::{session, session_store};

use crate::{
    login::LoginError,
    provider::{ExchangeError, IdTokenError, ResponseProblem},
    store::records::{State, Version},
    vault::{
        Attention, Basis, Cause, EmailProof, FailureKind, FailureReport, Identity, LoginEnd, Obstacle, ProviderMessage,
        Reconnect, RefreshFailure, Report, Retry, Rotation, Undecryptable, VaultError,
    },
    videoask::ApiError,
    web::{
        assets::Assets,
        login::error::CallbackError,
        pages::{
            api_access::ApiAccess,
            confirmation::Confirmation,
            error::{PageError, RequestError},
            error_page::ErrorPage,
            explain::explain,
            forms::{FormLine, FormsPage},
            home::{HomePage, VisitorLine},
            identity,
            layout::{CurrentPage, Layout, NavVisitor},
            link::Link,
            rich_text::RichText,
            snippets::Snippet,
            status_card::StatusCard,
            timeline,
            token_owner::TokenOwner,
            tokens::{LoginResult, RevokingPage, TokensPage},
        },
    },
};

const NOW: OffsetDateTime = datetime!(2026-11-27 03:34 UTC);

/// Words that pages do not use.
const UNWANTED: [&str; 13] = [
    "mend",
    "shall",
    "begun",
    "lives",
    "lived",
    "any more",
    "no more",
    " pair",
    "If it stays",
    "start page",
    "in place of",
    "as whom",
    "makes no sense",
];

fn layout() -> Layout {
    let visitor = NavVisitor::LoggedIn(Some("ada@example.com".to_owned()));
    Layout { assets: Assets::embedded(), visitor, current: CurrentPage::Other }
}

/// An error of reqwest, which has no constructor.
fn transport() -> reqwest::Error {
    reqwest::Proxy::all("::").expect_err("this is no URL")
}

fn cause() -> Box<dyn std::error::Error + Send + Sync> {
    "the cause".into()
}

fn failure(cause: Cause) -> RefreshFailure {
    let text = "Unknown or invalid refresh token.".to_owned();
    let message = ProviderMessage { status: Some(403), code: Some("invalid_grant".to_owned()), text };
    RefreshFailure { cause, since: NOW, failures: 1, retry_at: None, message, by: "process".to_owned() }
}

fn refused(code: &str) -> PageError {
    let (code, description) = (code.to_owned(), "As VideoAsk puts it.".to_owned());
    LoginError::from(ExchangeError::refused(403, code, description)).into()
}

fn identity() -> Identity {
    Identity {
        user_id: Some("be32932f".to_owned()),
        sub: Some("auth0|1".to_owned()),
        iss: None,
        email: Some("eve@example.com".to_owned()),
        email_proof: EmailProof::No,
        name: Some("Eve <b>".to_owned()),
    }
}

/// Every error, with the link that its page should offer. `explain` matches exhaustively; a new variant is added here too.
fn every_error() -> Vec<(PageError, Link)> {
    let text = || "As VideoAsk puts it.".to_owned();
    let refused_by = |cause| VaultError::ProviderRefused { failure: Box::new(failure(cause)) }.into();
    let dead = || Box::new(failure(Cause::GrantEnded));
    let claim =
        IdTokenError::Claim { claim: "iss", expected: text(), received: text(), fix: "Set `ISSUER` or log in." };
    vec![
        (LoginError::Denied { description: text() }.into(), Link::LogInAgain),
        (LoginError::Refused { code: "server_error".to_owned(), description: text() }.into(), Link::LogInAgain),
        (CallbackError::NoPendingLogin.into(), Link::LogInAgain),
        (LoginError::Expired.into(), Link::LogInAgain),
        (LoginError::StateMismatch.into(), Link::LogInAgain),
        (LoginError::Replayed.into(), Link::LogInAgain),
        (CallbackError::AlreadyLoggedIn.into(), Link::Tokens),
        (LoginError::WrongIssuer { expected: text(), received: text() }.into(), Link::LogInAgain),
        (LoginError::NoCode.into(), Link::LogInAgain),
        (LoginError::from(ExchangeError::NotSent { source: cause() }).into(), Link::LogInAgain),
        (LoginError::from(ExchangeError::NoResponse { source: cause() }).into(), Link::LogInAgain),
        (
            LoginError::from(ExchangeError::Unavailable { status: 503, code: None, retry_after: None }).into(),
            Link::LogInAgain,
        ),
        (
            LoginError::from(ExchangeError::MalformedResponse { status: 200, problem: ResponseProblem::Html }).into(),
            Link::LogInAgain,
        ),
        (refused("invalid_grant"), Link::LogInAgain),
        (refused("invalid_client"), Link::LogInAgain),
        (refused("access_denied"), Link::LogInAgain),
        (refused("mfa_required"), Link::LogInAgain),
        (LoginError::from(claim).into(), Link::LogInAgain),
        (LoginError::from(IdTokenError::Missing).into(), Link::LogInAgain),
        (LoginError::from(IdTokenError::Malformed).into(), Link::LogInAgain),
        (ApiError::Unauthorized { detail: "Token has expired.".to_owned() }.into(), Link::LogInAgain),
        (ApiError::Status { status: 500, detail: String::new() }.into(), Link::Tokens),
        (ApiError::Unreachable(transport()).into(), Link::Tokens),
        (ApiError::TimedOut(transport()).into(), Link::Tokens),
        (ApiError::Cut(transport()).into(), Link::Tokens),
        (ApiError::MalformedResponse.into(), Link::Tokens),
        (session::Error::Store(session_store::Error::Backend(text())).into(), Link::Home),
        (LoginError::Unidentified(ApiError::MalformedResponse).into(), Link::LogInAgain),
        (LoginError::NotListed(Box::new(identity())).into(), Link::LogInAsAnotherUser),
        (LoginError::EmailInUse(Box::new(identity())).into(), Link::LogInAsAnotherUser),
        (VaultError::NotConnected.into(), Link::LogInAgain),
        (VaultError::NotAllowed.into(), Link::LogInAsAnotherUser),
        (VaultError::MinLifeTooLong { longest: Duration::from_secs(1) }.into(), Link::Home),
        (VaultError::ReconnectRequired(Reconnect::Dead(dead())).into(), Link::LogInAgain),
        (VaultError::ReconnectRequired(Reconnect::NoRefreshToken).into(), Link::LogInAgain),
        (VaultError::ReconnectRequired(Reconnect::Ended).into(), Link::LogInAgain),
        (VaultError::ProviderUnavailable { retry_after: Duration::from_secs(9) }.into(), Link::Tokens),
        (refused_by(Cause::ClientRejected), Link::Tokens),
        (refused_by(Cause::Denied), Link::Tokens),
        (refused_by(Cause::Other), Link::Tokens),
        (refused_by(Cause::InteractionRequired), Link::LogInAgain),
        (refused_by(Cause::UserBlocked), Link::LogInAgain),
        (VaultError::StoreUnavailable.into(), Link::Home),
        (VaultError::OtherClient.into(), Link::LogInAgain),
        (VaultError::Undecryptable(Undecryptable(1)).into(), Link::LogInAgain),
        (VaultError::Expired.into(), Link::Tokens),
        (VaultError::Busy.into(), Link::Tokens),
        (PageError::NotRevoked(VaultError::RevokeUnconfirmed), Link::Tokens),
        (PageError::NotRevoked(VaultError::OtherClient), Link::Tokens),
        (PageError::NotRevoked(VaultError::StoreUnavailable), Link::Home),
        (PageError::NotRevoked(VaultError::Busy), Link::Tokens),
        (PageError::NotRevoked(VaultError::Undecryptable(Undecryptable(1))), Link::Home),
        (RequestError::LoggedOut.into(), Link::LogIn),
        (CallbackError::TooBusy.into(), Link::LogInAgain),
        (RequestError::CrossSite.into(), Link::Home),
        (RequestError::BadQuery.into(), Link::Home),
        (RequestError::NotFound.into(), Link::Home),
        (RequestError::MethodNotAllowed.into(), Link::Home),
        (RequestError::TooLarge.into(), Link::Home),
        (PageError::Internal, Link::Home),
    ]
}

#[test]
fn every_error_page_has_a_text_and_an_action_that_fit() {
    for (error, action) in every_error() {
        let explanation = explain(&error);
        let name = format!("{error:?}");
        let next = explanation.next.source().to_owned();
        assert_eq!(explanation.link, action, "{name}");
        assert!(fits(action, &next), "{name}: {next}");
        let busy = explanation.status.as_u16() == 503;
        assert_eq!(explanation.retry_after.is_some(), busy, "{name}: 503, and only that, says when to try again");
        let title = explanation.title;
        assert!(!next.contains("above") && !next.contains("If you run"), "{name}: {next}");
        let page = ErrorPage { layout: layout(), error: explanation, request_id: "0123456789abcdef".to_owned() };
        let html = page.render().expect("it renders");
        check(&name, &html);
        assert!(html.contains(&format!("{title} · VideoAsk auth").replace('\'', "&#39;")), "{name}: {html}");
        assert!(!html.contains("What to do next"), "{name}");
    }
}

/// Whether the text says to do what the link does.
fn fits(action: Link, next: &str) -> bool {
    let says = |phrase: &str| next.contains(phrase);
    match action {
        Link::LogIn | Link::LogInAgain => says("og in") || says("new login") || says("approve"),
        Link::LogInAsAnotherUser => says("Log in as another user") || says("Log in as the other user"),
        Link::Tokens | Link::Home => !next.starts_with("Log in"),
    }
}

#[test]
fn what_expired_is_not_told_as_what_is_busy() {
    let title = |error: VaultError| explain(&error.into()).title;
    assert_eq!(title(VaultError::Expired), "The access token has expired");
    assert_eq!(title(VaultError::Busy), "A refresh is already under way");
    assert_eq!(title(VaultError::MinLifeTooLong { longest: Duration::ZERO }), "Something went wrong in this app");
}

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
    let html = token_page(report, owner, login, api_access).render().expect("it renders");
    check(name, &html);
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

fn token_page(report: &Report, owner: TokenOwner, login: LoginResult, api_access: ApiAccess) -> TokensPage {
    TokensPage {
        layout: layout(),
        owner,
        confirmation: Some(Confirmation::Refreshed),
        login_result: login,
        card: StatusCard::of(report, owner, NOW),
        version: Version { connection_id: "id".to_owned(), generation: 1 },
        access_token: "access".to_owned(),
        refresh_token: report.has_refresh_token().then(|| "refresh".to_owned()),
        scope: None,
        user: identity::rows(&identity()),
        logged_in: RichText::default().time(report.minted_at, NOW),
        rotation: timeline::rotation(report.rotation),
        timeline: timeline::events(report, owner, NOW),
        claims: None,
        scopes_with_offline_access: "openid,offline_access".to_owned(),
        api_access,
        refreshing: vec![snippet("refreshing-1", "Node")],
        snippets: vec![snippet("snippet-1", "Python")],
    }
}

fn snippet(id: &str, language: &'static str) -> Snippet {
    Snippet { id: id.to_owned(), language, code: String::new() }
}

/// Every state that a shown connection may be in: 2 times of expiry, 3 obstacles, no trouble or one of 13, and 3 pasts.
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

#[test]
fn every_other_page_has_a_text_and_an_action_that_fit() {
    for owner in [TokenOwner::Person, TokenOwner::App] {
        for confirmation in [None, Some(Confirmation::Revoked), Some(Confirmation::LoggedOutHere)] {
            let visitors = [
                VisitorLine::LoggedOut,
                VisitorLine::Named("Ada".to_owned()),
                VisitorLine::Unnamed,
                VisitorLine::Disconnected,
                VisitorLine::Unavailable,
            ];
            for visitor in visitors {
                let name = format!("{owner:?} {confirmation:?} {visitor:?}");
                let (login_url, callback_url) = ("http://localhost/auth".to_owned(), "http://localhost/cb".to_owned());
                let page = HomePage { layout: layout(), login_url, callback_url, owner, visitor, confirmation };
                check(&name, &page.render().expect("it renders"));
            }
        }
    }
    let version = Version { connection_id: "id".to_owned(), generation: 1 };
    check("revoking", &RevokingPage { layout: layout(), version }.render().expect("it renders"));
    for (count, range) in [(0, None), (45, None)] {
        let (forms, previous, next) = (Vec::<FormLine>::new(), None, None);
        let page = FormsPage { layout: layout(), count, range, forms, previous, next };
        check("forms", &page.render().expect("it renders"));
    }
}

/// What holds for every page: one heading, one main action, and clean text.
fn check(name: &str, html: &str) {
    let (_, main) = html.split_once("<main>").expect("a page has a main part");
    assert_eq!(main.matches("<h1>").count(), 1, "{name}: one heading");
    // A page that is good as it is, in keep mode, asks for nothing.
    let least = usize::from(!html.contains("Connected</h2>") && !html.contains("Refresh now"));
    let primary = primary_actions(main);
    assert!((least..=1).contains(&primary), "{name}: {primary} primary actions in {main}");
    assert!(html.contains("VideoAsk"), "{name}");
    assert!(!html.contains('`') && !html.contains("&#96;"), "{name}: a literal backtick in {main}");
    let text = text_of(main);
    for wrong in ["..", ".:", "  ", " . ", " .\n", " ,", "??", "()", "\"\""] {
        assert!(!text.contains(wrong), "{name}: {wrong:?} in {text}");
    }
    for unwanted in UNWANTED {
        assert!(!text.contains(unwanted), "{name}: {unwanted:?} in {text}");
    }
}

/// Buttons and links that look like the main action.
fn primary_actions(main: &str) -> usize {
    let classes = main.split("class=\"").skip(1).filter_map(|rest| rest.split_once('"'));
    classes.filter(|(class, _)| class.split(' ').any(|name| name == "primary")).count()
}

/// The visible text, each run of white space as one space.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    for (index, piece) in html.split('<').enumerate() {
        let inline = ["code>", "/code>", "em>", "/em>", "strong>", "/strong>", "a ", "/a>", "time ", "/time>"];
        let (tag, rest) = if index == 0 { ("", piece) } else { piece.split_once('>').unwrap_or(("", piece)) };
        if !inline.iter().any(|name| piece.starts_with(name)) && !tag.is_empty() {
            text.push('\n');
        }
        text.push_str(rest);
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n").replace("&#39;", "'").replace("&#34;", "\"")
}
