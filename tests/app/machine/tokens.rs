//! `/api/token` and `/api/connections`.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use standin::{Endpoint, Fault, User};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{TestServer, api_client::keep_mode};

const DAY: u64 = 24 * 60 * 60;

#[tokio::test]
async fn a_token_comes_with_all_that_a_program_needs_and_nothing_else() {
    let server = TestServer::with_ada_connected().await;
    let answer = server.api_client().get("/api/token").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let json = answer.json();
    // Whether serde_json keeps the order of a map depends on the features that other crates enable.
    let mut names: Vec<_> = json.as_object().expect("an object").keys().collect();
    names.sort();
    assert_eq!(names, ["access_token", "expires_at", "expires_in", "scope", "token_type", "user"]);
    assert_eq!((&json["token_type"], &json["user"]), (&json!("Bearer"), &json!("ada@example.com")));
    assert_eq!(json["scope"], "openid profile email offline_access");
    assert_eq!(json["expires_in"], DAY);
    let expires_at = json["expires_at"].as_str().expect("a time");
    let expires_at = OffsetDateTime::parse(expires_at, &Rfc3339).expect("RFC 3339");
    assert_eq!(expires_at, server.now() + Duration::from_secs(DAY));
}

#[tokio::test]
async fn a_user_is_named_by_email_user_id_or_sub_and_never_replaced_by_another() {
    let server = TestServer::with_ada_connected().await;
    let ada = User::find("ada@example.com").expect("Ada has an account");
    let of = async |name: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("user", name).finish();
        server.api_client().get(&format!("/api/token?{query}")).await
    };
    for name in ["ada@example.com", "ADA@Example.COM", &ada.user_id(), &ada.sub()] {
        assert_eq!(of(name).await.json()["user"], "ada@example.com", "{name}");
    }
    of("grace@example.com").await.is_problem(404, "not-connected");
    of("eve@example.com").await.is_problem(403, "not-allowed");
    of("").await.is_problem(400, "invalid-request");
}

#[tokio::test]
async fn an_address_with_a_plus_is_found_however_it_is_written() {
    let server = keep_mode().var("ALLOWED_USERS", "grace@example.com,ada+videoask@example.com").start().await;
    server.browser().log_in("ada+videoask@example.com").await;
    for query in ["ada+videoask@example.com", "ada%2Bvideoask@example.com", "ada%20videoask%40example.com"] {
        let answer = server.api_client().get(&format!("/api/token?user={query}")).await;
        assert_eq!((answer.status, &answer.json()["user"]), (200, &json!("ada+videoask@example.com")), "{query}");
    }
    let proxied = server
        .api_client()
        .send(Method::GET, "/proxy/me", |request| request.header("x-videoask-user", "ada+videoask@example.com"))
        .await;
    assert_eq!(proxied.json()["email"], "ada+videoask@example.com");
}

#[tokio::test]
async fn the_default_user_is_the_first_entry_even_if_only_the_second_is_connected() {
    let server = keep_mode().start().await;
    server.browser().log_in("grace@example.com").await;
    let problem = server.api_client().get("/api/token").await.is_problem(404, "not-connected");
    assert_eq!(problem["login_url"], format!("{}auth/videoask", server.app));
    assert_eq!(server.api_client().get("/api/token?user=grace@example.com").await.status, 200);
}

#[tokio::test]
async fn min_ttl_is_a_demand_when_asked_for_and_a_wish_by_default() {
    let server = TestServer::with_ada_connected().await;
    let refreshes = || server.standin.counters().refresh_exchanges;
    let ttl = async |seconds: u64| server.api_client().get(&format!("/api/token?min_ttl={seconds}")).await;
    assert_eq!(ttl(DAY / 2).await.status, 200);
    let problem = ttl(DAY / 2 + 1).await.is_problem(400, "invalid-request");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("43200")), "{problem}");
    assert_eq!(refreshes(), 0);

    server.pass(Duration::from_secs(DAY / 2 + 60));
    assert_eq!(server.api_client().get("/api/token").await.json()["expires_in"], DAY / 2 - 60);
    assert_eq!(refreshes(), 0);
    assert_eq!(ttl(DAY / 2).await.json()["expires_in"], DAY);
    assert_eq!(refreshes(), 1);
}

#[tokio::test]
async fn where_no_refresh_is_possible_a_wish_is_granted_and_a_demand_is_not() {
    let server = TestServer::with_ada_connected().await;
    server.pass(Duration::from_secs(DAY - 30));
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, Fault::Status { status: 503 }));
    assert_eq!(server.api_client().get("/api/token").await.json()["expires_in"], 30);
    server.api_client().get("/api/token?min_ttl=60").await.is_problem(503, "provider-unavailable");
    server.pass(Duration::from_secs(30));
    let problem = server.api_client().get("/api/token").await.is_problem(503, "provider-unavailable");
    assert!(problem["retry_after"].as_u64() >= Some(1), "{problem}");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_an_old_one_gives_the_current() {
    let server = TestServer::with_ada_connected().await;
    let machine = server.api_client();
    let token = machine.get("/api/token").await.json()["access_token"].clone();
    let refuse =
        async |body: serde_json::Value| machine.send(Method::POST, "/api/token", |request| request.json(&body)).await;
    let replaced = refuse(json!({"refused": token})).await.json();
    assert_ne!(replaced["access_token"], token);
    let again = refuse(json!({"refused": token, "user": "ada@example.com"})).await.json();
    assert_eq!(again["access_token"], replaced["access_token"]);
    // The token from the forced refresh is refused too: there is no other forced refresh for ten minutes.
    let still = refuse(json!({"refused": replaced["access_token"]})).await.json();
    assert_eq!(still["access_token"], replaced["access_token"]);
    assert_eq!(server.standin.counters().refresh_exchanges, 1);
    server.pass(Duration::from_secs(10 * 60));
    assert_ne!(
        refuse(json!({"refused": replaced["access_token"]})).await.json()["access_token"],
        replaced["access_token"]
    );
    assert_eq!(server.standin.counters().refresh_exchanges, 2);
}

#[tokio::test]
async fn what_a_route_does_not_take_is_said() {
    let server = TestServer::with_ada_connected().await;
    let machine = server.api_client();
    for path in [
        "/api/token?min_ttl=soon",
        "/api/token?min_ttl=-1",
        "/api/token?usr=ada",
        "/api/token?user=a&user=b",
        "/api/connections?x=1",
    ] {
        machine.get(path).await.is_problem(400, "invalid-request");
    }
    for body in
        ["", "{}", "[]", "{\"refused\":1}", "{\"refused\":\"\"}", "{\"refused\":\"t\",\"usr\":\"a\"}", "{\"refused\""]
    {
        let sent = |request: reqwest::RequestBuilder| request.header("content-type", "application/json").body(body);
        machine.send(Method::POST, "/api/token", sent).await.is_problem(400, "invalid-request");
    }
    let untyped = machine.send(Method::POST, "/api/token", |request| request.body("{\"refused\":\"t\"}")).await;
    untyped.is_problem(400, "invalid-request");
    let long = json!({"refused": "t".repeat(70_000)});
    machine.send(Method::POST, "/api/token", |request| request.json(&long)).await.is_problem(413, "too-large");
    let wrong = machine.send(Method::DELETE, "/api/token", |request| request).await;
    wrong.is_problem(405, "method-not-allowed");
    assert!(wrong.header("allow").is_some_and(|allow| allow.contains("GET") && allow.contains("POST")));
    machine.get("/api/nothing").await.is_problem(404, "not-found");
    assert_eq!(server.standin.counters().refresh_exchanges, 0);
}

#[tokio::test]
async fn a_login_is_expected_to_last_a_month_or_as_long_as_the_one_that_died() {
    let server = TestServer::with_ada_connected().await;
    let hours = |hours: u64| server.pass(Duration::from_secs(hours * 60 * 60));
    let connection = async || server.api_client().get("/api/connections").await.json()["connections"][0].clone();
    let expected = |connection: &Value| {
        let date = |field: &str| OffsetDateTime::parse(connection[field].as_str().unwrap(), &Rfc3339).unwrap();
        (date("log_in_before") - date("minted_at")).whole_hours()
    };
    hours(1);
    server.logged_in().await;
    hours(5);
    let replaced = connection().await;
    assert_eq!((&replaced["previous_lived"], expected(&replaced)), (&json!(60 * 60), 30 * 24));

    for _ in 0..3 {
        hours(20);
        server.api_client().get("/api/token?min_ttl=12h").await;
    }
    server.standin.end_grants_of("ada@example.com");
    hours(24);
    while connection().await["state"] != "reconnect-required" {
        tokio::task::yield_now().await;
    }
    assert_eq!(connection().await["log_in_before"], json!(null), "it is over");
    server.logged_in().await;
    let learned = expected(&connection().await);
    assert!((48..=89).contains(&learned), "{learned} h: it was refused after 89 h at the latest");
}

#[tokio::test]
async fn connections_tell_states_and_times_and_no_secret() {
    let server = TestServer::with_ada_connected().await;
    let answer = server.api_client().get("/api/connections").await;
    let json = answer.json();
    let connection = &json["connections"][0];
    assert_eq!((&connection["user"], &connection["state"]), (&json!("ada@example.com"), &json!("live")));
    assert!(connection["next_refresh"].is_string() && connection["expires_at"].is_string());
    let page = server.logged_in().await.get("/tokens").await;
    for token in ["access-token", "refresh-token"] {
        assert!(!answer.text().contains(&page.element(token).expect("it is on the page")));
    }
}

#[tokio::test]
async fn connections_come_in_parts() {
    let server = TestServer::with_ada_connected().await;
    server.browser().log_in("grace@example.com").await;
    let machine = server.api_client();
    let part = async |query: &str| machine.get(&format!("/api/connections{query}")).await.json();
    let all = part("").await;
    assert_eq!((all["connections"].as_array().map(Vec::len), &all["next"]), (Some(2), &json!(null)));
    assert_eq!(part("?limit=2").await, all, "there is no third");
    let first = part("?limit=1").await;
    let cursor = first["next"].as_str().expect("there is more");
    let cursor: String = url::form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
    let second = part(&format!("?limit=1&cursor={cursor}")).await;
    let listed = [&first, &second].map(|part| part["connections"].as_array().unwrap().clone()).concat();
    assert_eq!((json!(listed), &second["next"]), (all["connections"].clone(), &json!(null)));
    assert_eq!(part("?cursor=zzz").await["connections"], json!([]));
    for wrong in ["?limit=0", "?limit=1001", "?limit=x", "?limit=1&limit=2", "?cursor=a&cursor=b"] {
        machine.get(&format!("/api/connections{wrong}")).await.is_problem(400, "invalid-request");
    }
}
