//! Where a path of the proxy leads: to the API's own origin and below its base path, or nowhere.

use standin::Endpoint;

use crate::support::{KEY, TestServer, api_client::keep_mode};

/// Sends a request line unchanged, which no client library does.
async fn line(server: &TestServer, line: &str) -> String {
    let request =
        format!("{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n");
    server.raw(&request).await
}

#[tokio::test]
async fn an_escape_is_refused_and_sends_nothing() {
    let server = TestServer::with_ada_connected().await;
    for path in [
        "/proxy//evil.example/",
        "/proxy/echo//x",
        "/proxy/../healthz",
        "/proxy/echo/../me",
        "/proxy/%2E%2e/me",
        "/proxy/echo%2f..%2fme",
        "/proxy/echo%5Cx",
        "/proxy/echo%0d%0aX-Injected:%201",
    ] {
        let answer = line(&server, &format!("GET {path}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
        assert!(answer.contains("urn:videoask-auth:invalid-request"), "{path}: {answer}");
    }
    for path in ["/proxy/echo\\..\\me", "/proxy/a b", "/proxy/echo\u{1}"] {
        let answer = line(&server, &format!("GET {path}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path:?}: {answer}");
    }
    assert_eq!(server.standin.counters().requests_to(Endpoint::Api), 0);
}

#[tokio::test]
async fn a_plain_path_and_its_query_arrive_as_they_were_sent() {
    let server = TestServer::with_ada_connected().await;
    for (sent, path, query) in [
        ("/proxy/echo/@evil.example/x", "/echo/@evil.example/x", None),
        ("/proxy/echo/a%20b%C3%A4", "/echo/a%20b%C3%A4", None),
        ("/proxy/echo/%252e%252e", "/echo/%252e%252e", None),
        ("/proxy/echo/", "/echo/", None),
        (
            "/proxy/echo?a=..%2f..%00&b=http://evil.example//&c=%0d%0a",
            "/echo",
            Some("a=..%2f..%00&b=http://evil.example//&c=%0d%0a"),
        ),
        ("/proxy/echo?", "/echo", Some("")),
        ("http://evil.example/proxy/echo", "/echo", None),
        ("http://evil.example:80/proxy/echo?x=1", "/echo", Some("x=1")),
    ] {
        let answer = line(&server, &format!("GET {sent}")).await;
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let seen: serde_json::Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{sent}: {answer}"));
        assert_eq!((seen["path"].as_str(), seen["query"].as_str()), (Some(path), query), "{sent}");
    }
}

#[tokio::test]
async fn below_a_base_path_nothing_else_of_that_origin_can_be_reached() {
    let server = keep_mode().tenant(|options| options.api_base = "/base".into()).start().await;
    server.logged_in().await;
    let machine = server.api_client();
    assert_eq!(machine.get("/proxy/echo/x").await.json()["path"], "/base/echo/x");
    // The signing keys are at the same origin, outside the API's base path.
    assert_eq!(machine.get("/proxy/.well-known/jwks.json").await.status, 404);
    assert!(line(&server, "GET /proxy/../.well-known/jwks.json").await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn the_proxy_without_a_slash_is_no_route() {
    let server = TestServer::with_ada_connected().await;
    server.api_client().get("/proxy").await.is_problem(404, "not-found");
    assert_eq!(server.api_client().get("/proxy/").await.json()["detail"], "Not found.", "the API's own root");
}
