//! Refreshes that VideoAsk refuses, or answers for another user: programs and pages name the same cause and next step.

use std::time::Duration;

use serde_json::Value;
use standin::{Deviation, Endpoint, Fault, Faults};

use super::problems::fails;
use crate::{
    keep::press,
    support::{TestServer, api_client::keep_mode},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn text<'a>(problem: &'a Value, field: &str) -> &'a str {
    problem[field].as_str().unwrap_or_else(|| panic!("{field}: {problem}"))
}

#[tokio::test]
async fn tokens_of_another_user_or_issuer_are_dropped_and_the_connection_is_dead() {
    for deviation in [Deviation::AnotherSubject, Deviation::WrongIssuer] {
        let server = TestServer::with_ada_connected().await;
        server.pass(DAY);
        server.standin.set_deviations([deviation]);
        let problem = fails(&server, 409, "reconnect-required").await;
        assert!(text(&problem, "reason").starts_with("identity-changed"), "{problem}");
        assert!(text(&problem, "detail").contains("another user or issuer"), "{problem}");
        assert!(text(&problem, "login_url").ends_with("/auth/videoask"), "{problem}");
        assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 1);
        server.standin.set_deviations([]);
        server.logged_in().await;
        assert_eq!(server.api_client().get("/api/token").await.status, 200, "a new login replaces it");
    }
}

#[tokio::test]
async fn a_refresh_token_that_brought_another_users_tokens_is_not_sent_again_by_the_button() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    server.standin.set_deviations([Deviation::AnotherSubject]);
    let shown = browser.get("/tokens").await;
    let refused = press(&browser, &shown, "refresh").await;
    assert!(refused.text().contains("identity-changed"), "{}", refused.text());
    let sent = server.standin.counters().requests_to(Endpoint::Token);
    assert_eq!(press(&browser, &shown, "refresh").await.status, 409);
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), sent);
    let page = browser.get("/tokens").await;
    assert!(page.text().contains("identity-changed") && page.text().contains("Log in again"), "{}", page.text());
}

#[tokio::test]
async fn an_id_token_of_a_refresh_that_cannot_be_decoded_is_ignored() {
    let server = TestServer::with_ada_connected().await;
    for deviation in
        [Deviation::GarbledIdToken, Deviation::ExpiredIdToken, Deviation::WrongAudience, Deviation::BrokenSignature]
    {
        server.pass(DAY);
        server.standin.set_deviations([deviation]);
        assert_eq!(server.api_client().get("/api/token").await.status, 200, "{deviation:?}");
    }
}

#[tokio::test]
async fn where_only_the_user_can_go_on_the_next_step_is_to_log_in_again() {
    let server = keep_mode().start().await;
    for (status, error, description) in [
        (403, "mfa_required", "Multifactor authentication required"),
        (403, "interaction_required", ""),
        (403, "login_required", ""),
        (403, "consent_required", ""),
        (403, "account_selection_required", ""),
        (403, "unauthorized", "user is blocked"),
        (403, "access_denied", "The user is blocked."),
    ] {
        server.standin.set_faults(Faults::default());
        server.logged_in().await;
        server.pass(DAY);
        let (error, description) = (error.to_owned(), description.to_owned());
        let refusal = Fault::Error { status, error: error.clone(), description };
        server.standin.change_faults(|faults| faults.always(Endpoint::Token, refusal));
        let problem = fails(&server, 503, "provider-refused").await;
        assert!(text(&problem, "reason").contains(&error), "{problem}");
        assert!(text(&problem, "detail").ends_with("Log in again at login_url."), "{problem}");
        assert_eq!(text(&problem, "login_url"), format!("{}auth/videoask", server.app));

        let connections = server.api_client().get("/api/connections").await.json();
        assert_eq!(connections["login_url"], problem["login_url"]);
        assert_eq!(connections["connections"][0]["trouble"]["next_step"], "Log in again.");
    }
}

#[tokio::test]
async fn the_page_of_a_user_who_must_log_in_again_leads_to_the_login() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    let refusal = Fault::Error { status: 403, error: "mfa_required".into(), description: String::new() };
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, refusal));
    let shown = browser.get("/tokens").await;
    for page in [press(&browser, &shown, "refresh").await, browser.get("/tokens").await] {
        assert!(page.text().contains("wants the user to log in"), "{}", page.text());
        assert!(page.text().contains("href=\"/auth/videoask\">Log in again</a>"), "{}", page.text());
        assert!(!page.text().contains("videoask-auth check"), "{}", page.text());
    }
}

#[tokio::test]
async fn access_denied_by_a_rule_is_not_told_as_a_wrong_secret() {
    let server = TestServer::with_ada_connected().await;
    let refusal = |status| Fault::Error {
        status,
        error: "access_denied".into(),
        description: if status == 401 { "Unauthorized" } else { "Only from the office network." }.into(),
    };
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, refusal(403)));
    server.pass(DAY);
    let denied = fails(&server, 503, "provider-refused").await;
    assert!(text(&denied, "detail").contains("A rule or an administrator"), "{denied}");
    assert!(denied["login_url"].is_null(), "a login would be denied too: {denied}");
    let login = server.browser().log_in("ada@example.com").await;
    assert_eq!((login.status, login.title().as_str()), (403, "VideoAsk denied access"));
    assert!(login.text().contains("Only from the office network."), "{}", login.text());

    let server = TestServer::with_ada_connected().await;
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, refusal(401)));
    server.pass(DAY);
    let rejected = fails(&server, 503, "provider-refused").await;
    assert!(text(&rejected, "detail").contains("CLIENT_ID or CLIENT_SECRET is wrong"), "{rejected}");
}

#[tokio::test]
async fn connections_that_cannot_be_decrypted_are_counted_and_never_called_not_connected() {
    let server = TestServer::with_ada_connected().await;
    let changed = || keep_mode().var("EXPRESS_SESSION", "another-secret-0123456789-abcdefghij");
    let other = changed().store(server.store.clone()).start().await;
    let problem = fails(&other, 409, "undecryptable").await;
    for words in ["1 connection cannot be decrypted with this EXPRESS_SESSION", "EXPRESS_SESSION_PREVIOUS"] {
        assert!(text(&problem, "detail").contains(words), "{problem}");
    }
    assert_eq!(
        other.api_client().get("/api/token?user=eve").await.is_problem(403, "not-allowed")["login_url"],
        Value::Null
    );
    let fixed = changed().beside(&server).var("EXPRESS_SESSION_PREVIOUS", crate::support::SECRET).start().await;
    assert_eq!(fixed.api_client().get("/api/token").await.status, 200);

    let other = changed().store(server.store.clone()).start().await;
    other.logged_in().await;
    assert_eq!(other.api_client().get("/api/token").await.status, 200, "a new login replaces such a record");
}

#[tokio::test]
async fn a_token_that_is_not_a_bearer_token_is_not_used() {
    let server = TestServer::with_ada_connected().await;
    server.standin.set_deviations([Deviation::NoTokenType]);
    server.pass(DAY);
    assert_eq!(server.api_client().get("/api/token").await.status, 200, "a response may leave the type out");
    server.standin.set_deviations([Deviation::MacTokenType]);
    server.pass(DAY);
    fails(&server, 503, "provider-unavailable").await;
    let connections = server.api_client().get("/api/connections").await.json();
    let failure = &connections["connections"][0]["trouble"];
    assert!(text(failure, "said").contains("token_type is not Bearer"), "{failure}");
    assert!(text(failure, "cause").contains("no usable token"), "{failure}");

    let browser = server.browser();
    let page = browser.log_in("ada@example.com").await;
    assert_eq!(page.status, 502, "{}", page.text());
    assert!(page.text().contains("token_type is not Bearer"), "{}", page.text());
    assert!(browser.cookie_names().is_empty());
}
