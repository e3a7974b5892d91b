//! Which credentials the routes for programs accept.

use reqwest::{Method, header};
use standin::Endpoint;

use crate::support::{KEY, Page, Setup, TestServer, api_client::keep_mode};

const ROUTES: [(&str, &str); 7] = [
    ("GET", "/api/token"),
    ("POST", "/api/token"),
    ("GET", "/api/connections"),
    ("GET", "/api/openapi.json"),
    ("GET", "/proxy/me"),
    ("DELETE", "/proxy/"),
    ("PURGE", "/proxy/forms"),
];

async fn asked(server: &TestServer, (method, path): (&str, &str), headers: &[(&str, &str)]) -> Page {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let browser = server.browser();
    browser
        .send(method, &browser.url(path), |request| {
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        })
        .await
}

#[tokio::test]
async fn nothing_opens_without_a_key() {
    let server = TestServer::with_ada_connected().await;
    let bearer = format!("Bearer {KEY}");
    let (basic, other) = (format!("Basic {KEY}"), format!("Bearer {KEY}x"));
    for route in ROUTES {
        for wrong in [&[][..], &[("authorization", &*basic)], &[("x-api-key", KEY)], &[("cookie", &*bearer)]] {
            let page = asked(&server, route, wrong).await;
            page.is_problem(401, "unauthorized");
            assert_eq!(page.header("www-authenticate"), Some("Bearer realm=\"videoask-auth\""), "{route:?}");
        }
        let page = asked(&server, route, &[("authorization", &*other)]).await;
        page.is_problem(401, "unauthorized");
        assert!(page.header("www-authenticate").is_some_and(|challenge| challenge.contains("invalid_token")));
        asked(&server, route, &[("authorization", &*bearer), ("authorization", &*bearer)])
            .await
            .is_problem(401, "unauthorized");
    }
    assert_eq!(server.standin.counters().requests_to(Endpoint::Api), 0);
}

#[tokio::test]
async fn a_session_is_no_key_and_a_key_is_no_session() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    for path in ["/api/token", "/api/connections", "/proxy/me"] {
        browser.get(path).await.is_problem(401, "unauthorized");
    }
    for path in ["/tokens", "/tokens/export/json", "/tokens/forms"] {
        let page = server.api_client().get(path).await;
        assert_eq!((page.status, page.title().as_str()), (403, "You are not logged in"), "{path}");
    }
    // An access token of VideoAsk is not accepted either.
    let token = server.api_client().token().await;
    let bearer = format!("Bearer {token}");
    asked(&server, ("GET", "/proxy/me"), &[("authorization", &*bearer)]).await.is_problem(401, "unauthorized");
}

#[tokio::test]
async fn in_mint_mode_there_are_no_routes_for_machines_and_in_keep_mode_they_are_there_without_api_key() {
    for (setup, status, kind) in [
        (Setup::default(), 404, "not-found"),
        (Setup::default().var("ALLOWED_USERS", "ada@example.com"), 401, "unauthorized"),
    ] {
        let server = setup.start().await;
        for route in ROUTES.into_iter().chain([("GET", "/metrics"), ("GET", "/proxy"), ("GET", "/api/")]) {
            let page = asked(&server, route, &[("authorization", &*format!("Bearer {KEY}"))]).await;
            let is_route = !matches!(route.1, "/proxy" | "/api/");
            let (status, kind) = if is_route { (status, kind) } else { (404, "not-found") };
            page.is_problem(status, kind);
        }
    }
}

#[tokio::test]
async fn each_of_several_keys_opens() {
    let server = keep_mode().var("API_KEY", format!("{KEY},another-{KEY}")).start().await;
    for key in [KEY.to_owned(), format!("another-{KEY}")] {
        let bearer = format!("Bearer {key}");
        assert_eq!(asked(&server, ("GET", "/api/connections"), &[("authorization", &*bearer)]).await.status, 200);
    }
}

#[tokio::test]
async fn no_answer_is_stored_by_anybody() {
    let server = TestServer::with_ada_connected().await;
    for path in ["/api/token", "/api/connections", "/proxy/me", "/api/nothing"] {
        let page = server.api_client().get(path).await;
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(page.headers["x-content-type-options"], "nosniff", "{path}");
    }
}
