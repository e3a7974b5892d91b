//! Every error page.

use std::time::Duration;

use askama::Template;
use tower_sessions::{session, session_store};

use super::{check, failure, identity, layout};
use crate::{
    login::LoginError,
    provider::{ExchangeError, IdTokenError, ResponseProblem},
    vault::{Cause, Reconnect, Undecryptable, VaultError},
    videoask::ApiError,
    web::{
        login::error::CallbackError,
        pages::{
            error::{PageError, RequestError},
            error_page::ErrorPage,
            explain::explain,
            link::Link,
        },
    },
};

/// A `reqwest::Error`, which has no public constructor.
fn transport() -> reqwest::Error {
    reqwest::Proxy::all("::").expect_err("this is no URL")
}

fn cause() -> Box<dyn std::error::Error + Send + Sync> {
    "the cause".into()
}

fn refused(code: &str) -> PageError {
    let (code, description) = (code.to_owned(), "As VideoAsk puts it.".to_owned());
    LoginError::from(ExchangeError::refused(403, code, description)).into()
}

/// Every error, with the link that its page should offer. The compiler does not check this list, so add each new error
/// here.
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
            LoginError::from(ExchangeError::MalformedResponse {
                status: 200,
                problem: ResponseProblem::Html,
                partial: None,
            })
            .into(),
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
        assert_eq!(explanation.link, Some(action), "{name}");
        assert!(fits(action, &next), "{name}: {next}");
        let busy = explanation.status.as_u16() == 503;
        assert_eq!(explanation.retry_after.is_some(), busy, "{name}: 503, and only that, says when to try again");
        let title = explanation.title;
        assert!(!next.contains("above") && !next.contains("If you run"), "{name}: {next}");
        let page = ErrorPage { layout: layout(), error: explanation, request_id: Some("0123456789abcdef".to_owned()) };
        let html = page.render().expect("it renders");
        check(&name, &html);
        assert!(html.contains(&format!("{title} · VideoAsk auth").replace('\'', "&#39;")), "{name}: {html}");
        assert!(!html.contains("What to do next"), "{name}");
    }
}

#[test]
fn no_title_of_an_error_page_repeats_its_button() {
    let words = |text: &str| text.to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (error, link) in every_error() {
        let title = words(explain(&error).title);
        let repeated = words(link.label()).iter().all(|word| title.contains(word));
        assert!(!repeated, "{error:?}: the title {title:?} repeats the button {:?}", link.label());
    }
}

#[test]
fn an_error_page_says_nothing_beside_its_button_that_only_repeats_it() {
    for (error, link) in every_error() {
        let view = explain(&error);
        let page = ErrorPage { layout: layout(), error: view, request_id: None };
        let html = page.render().expect("it renders");
        assert!(!html.contains(&format!("<p>{}.</p>", link.label())), "{error:?}");
    }
}

/// Whether the text tells the reader to do what the link does.
fn fits(action: Link, next: &str) -> bool {
    let says = |phrase: &str| next.contains(phrase);
    match action {
        Link::LogIn | Link::LogInAgain => says("og in") || says("Login") || says("new login") || says("approve"),
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
