//! Every reason why there is no token. Programs can tell them apart, and `/api/token`, `/oauth/token` and the proxy
//! report the same reason.

use std::time::Duration;

use serde_json::Value;
use standin::{Deviation, Endpoint, Fault};

use crate::support::{KEY, Setup, TestServer, api_client::keep_mode};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Asserts that every way to use a token fails with the same reason, and that no request reaches VideoAsk's API.
pub async fn fails(server: &TestServer, status: u16, kind: &str) -> Value {
    let asked = server.standin.counters().requests_to(Endpoint::Forms);
    server.api_client().get("/proxy/forms").await.is_problem(status, kind);
    assert_eq!(server.standin.counters().requests_to(Endpoint::Forms), asked);
    let problem = server.api_client().get("/api/token").await.is_problem(status, kind);
    let is_for_a_person = problem["login_url"].is_string();
    let (status, code) = if is_for_a_person { (400, "invalid_grant") } else { (503, "temporarily_unavailable") };
    let error = server.oauth("default", KEY).await.is_oauth_error(status, code);
    assert_eq!(error["error_uri"], problem["login_url"]);
    problem
}

#[tokio::test]
async fn never_connected() {
    let server = keep_mode().start().await;
    let problem = fails(&server, 404, "not-connected").await;
    assert_eq!(problem["login_url"], format!("{}auth/videoask", server.app));
}

#[tokio::test]
async fn an_ended_grant_is_not_tried_again() {
    let server = TestServer::with_ada_connected().await;
    server.standin.end_grants_of("ada@example.com");
    server.pass(DAY);
    let problem = fails(&server, 409, "reconnect-required").await;
    assert!(problem["reason"].as_str().is_some_and(|reason| reason.contains("invalid_grant")), "{problem}");
    assert!(problem["login_url"].is_string());
    assert_eq!(server.standin.counters().refresh_refusals, 1);
}

#[tokio::test]
async fn expired_without_a_refresh_token() {
    let server = keep_mode().start().await;
    server.standin.set_deviations([Deviation::NoRefreshToken]);
    server.logged_in().await;
    assert_eq!(server.api_client().get("/proxy/forms").await.status, 200, "it is good to its end");
    server.pass(DAY / 2 + Duration::from_secs(1));
    server.api_client().get("/api/token?min_ttl=43200").await.is_problem(409, "reconnect-required");
    assert_eq!(server.api_client().get("/api/token").await.status, 200, "a wish is content with less");
    server.pass(DAY / 2);
    fails(&server, 409, "reconnect-required").await;
}

#[tokio::test]
async fn a_provider_that_refuses_this_app_is_named_with_its_code() {
    let server = TestServer::with_ada_connected().await;
    let refusal = Fault::Error { status: 401, error: "invalid_client".into(), description: "Unauthorized".into() };
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, refusal));
    server.pass(DAY);
    let problem = fails(&server, 503, "provider-refused").await;
    assert!(problem["reason"].as_str().is_some_and(|reason| reason.contains("invalid_client")), "{problem}");
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 1, "not again for five minutes");
}

#[tokio::test]
async fn a_provider_that_is_down_is_tried_again_later() {
    let server = TestServer::with_ada_connected().await;
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, Fault::Html { status: 502 }));
    server.pass(DAY);
    assert!(fails(&server, 503, "provider-unavailable").await["retry_after"].as_u64() >= Some(1));
}

#[tokio::test]
async fn another_client_id() {
    let server = TestServer::with_ada_connected().await;
    let other = keep_mode().store(server.store.clone()).var("CLIENT_ID", "another-client").start().await;
    // The access token is still valid, but a connection that `status` calls not used hands out nothing.
    let problem = fails(&other, 409, "other-client").await;
    let obstacle = &other.api_client().get("/api/connections").await.json()["connections"][0]["obstacle"];
    for text in [&problem["detail"], obstacle] {
        assert!(text.as_str().is_some_and(|text| text.contains("another CLIENT_ID")), "{text}");
    }
    other.pass(DAY);
    assert_eq!(other.standin.counters().requests_to(Endpoint::Token), 0);
}

#[tokio::test]
async fn taken_off_the_list() {
    let server = TestServer::with_ada_connected().await;
    let setup = Setup::default().store(server.store.clone()).var("ALLOWED_USERS", "grace@example.com");
    let without = setup.var("API_KEY", KEY).start().await;
    for path in ["/api/token?user=ada@example.com", "/api/connections"] {
        let answer = without.api_client().get(path).await;
        match path {
            "/api/connections" => {
                assert!(
                    answer.json()["connections"][0]["obstacle"].as_str().is_some_and(|it| it.contains("ALLOWED_USERS"))
                );
            }
            _ => _ = answer.is_problem(403, "not-allowed"),
        }
    }
    let (machine, ada) = (without.api_client(), "ada@example.com");
    let proxied =
        machine.send(reqwest::Method::GET, "/proxy/me", |request| request.header("x-videoask-user", ada)).await;
    proxied.is_problem(403, "not-allowed");
}

#[tokio::test]
async fn revoked_on_the_page_is_gone_for_machines() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    let page = browser.get("/tokens").await;
    assert_eq!(server.api_client().get("/proxy/forms").await.status, 200);
    crate::keep::press(&browser, &page, "revoke").await;
    fails(&server, 404, "not-connected").await;
}
