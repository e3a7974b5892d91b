//! What the proxy forwards in each direction, and what it does not.

use reqwest::{Method, RequestBuilder};
use standin::{Endpoint, Fault, User};

use crate::support::{KEY, TestServer, api_client::keep_mode, ports::ReservedPort};

#[tokio::test]
async fn the_users_token_goes_in_place_of_the_key() {
    let server = TestServer::with_ada_connected().await;
    let token = server.api_client().token().await;
    let answer = server.api_client().echo(Method::GET, |request| request).await;
    assert_eq!(answer.seen().header("authorization"), [format!("Bearer {token}")]);
    assert!(!answer.text().contains(KEY));
}

#[tokio::test]
async fn a_key_that_stands_elsewhere_too_is_not_passed_on() {
    let server = TestServer::with_ada_connected().await;
    let encoded = KEY.replace('-', "%2d");
    for path in [format!("/proxy/echo?token={KEY}"), format!("/proxy/echo?x={encoded}"), format!("/proxy/echo/{KEY}")] {
        server.api_client().get(&path).await.is_problem(400, "invalid-request");
    }
    let header =
        server.api_client().echo(Method::GET, |request| request.header("x-api-key", format!("Token {KEY}"))).await;
    header.is_problem(400, "invalid-request");
    assert_eq!(server.standin.counters().requests_to(Endpoint::Api), 0);
}

#[tokio::test]
async fn what_is_not_meant_for_videoask_stays_here() {
    let server = TestServer::with_ada_connected().await;
    let left = [
        ("cookie", "session=1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "inside.example"),
        ("x-forwarded-anything", "1"),
        ("x-forwarded", "for=10.0.0.1"),
        ("x_forwarded_for", "10.0.0.1"),
        ("cf-ray", "1"),
        ("via", "1.1 inside"),
        ("proxy-authorization", "Basic x"),
        ("proxy-connection", "keep-alive"),
        ("origin", "https://app.example"),
        ("referer", "https://app.example/?code=1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-ch-ua", "x"),
        ("x-videoask-user", "ada@example.com"),
        ("te", "trailers"),
        ("trailer", "x-checksum"),
        ("keep-alive", "timeout=5"),
        ("connection", "x-for-one-hop"),
        ("x-for-one-hop", "1"),
        ("x-real-ip", "10.0.0.1"),
        ("x_real_ip", "10.0.0.1"),
        ("cf-connecting-ip", "10.0.0.1"),
        ("true-client-ip", "10.0.0.1"),
        ("nel", "{}"),
        ("report-to", "{}"),
        ("reporting-endpoints", "{}"),
    ];
    let passed = [
        ("user-agent", "report/1.0"),
        ("accept", "application/json"),
        ("accept-language", "de"),
        ("if-none-match", "\"abc\""),
        ("x-custom", "stays"),
        ("organization-id", "chosen-by-the-caller"),
    ];
    let all = left.iter().chain(&passed);
    let answer = server
        .api_client()
        .echo(Method::GET, |request| all.fold(request, |request, (name, value)| request.header(*name, *value)))
        .await;
    let seen = answer.seen();
    for (name, value) in passed {
        assert_eq!(seen.header(name), [value]);
    }
    for (name, _) in left {
        assert!(!seen.names().contains(&name), "{name} arrived");
    }
    let host = format!("127.0.0.1:{}", server.provider.port().expect("a port"));
    assert_eq!(seen.header("host"), [host]);
    assert_eq!(seen.header("authorization").len(), 1);
}

#[tokio::test]
async fn what_would_act_on_this_apps_origin_stays_there() {
    let server = TestServer::with_ada_connected().await;
    let left = [
        "set-cookie: a=b",
        "alt-svc: h3=\":443\"",
        "clear-site-data: \"*\"",
        "access-control-allow-origin: *",
        "access-control-allow-credentials: true",
        "proxy-authenticate: Basic",
        "keep-alive: timeout=5",
        "connection: x-for-one-hop",
        "x-for-one-hop: 1",
        "strict-transport-security: max-age=1",
        "nel: {}",
        "report-to: {}",
        "reporting-endpoints: a=\"https://evil.example\"",
        "cf-ray: 1",
        "x-real-ip: 10.0.0.1",
        "x-forwarded-for: 10.0.0.1",
        "true-client-ip: 10.0.0.1",
        "x-accel-redirect: /internal",
    ];
    let passed = ["etag: \"abc\"", "x-custom: stays", "retry-after: 5", "x-request-id: theirs"];
    let answer = server
        .api_client()
        .echo(Method::GET, |request| {
            let request = request.header("x-echo-status", "418");
            left.iter().chain(&passed).fold(request, |request, line| request.header("x-echo-header", *line))
        })
        .await;
    assert_eq!(answer.status, 418, "{}", answer.text());
    // The echo shows that the stand-in was asked to send all of them.
    assert_eq!(answer.json()["headers"].to_string().matches("x-echo-header").count(), left.len() + passed.len());
    for line in left {
        let (name, _) = line.split_once(": ").expect("a header");
        assert_eq!(answer.header(name), None, "{name} came back");
    }
    for line in &passed[..3] {
        let (name, value) = line.split_once(": ").expect("a header");
        assert_eq!(answer.header(name), Some(value));
    }
    assert_eq!(answer.header("x-request-id").map(str::len), Some(16), "the request id is always ours");
    assert!(answer.header("content-security-policy").is_some());
}

#[tokio::test]
async fn no_cache_may_store_what_one_user_got() {
    let server = TestServer::with_ada_connected().await;
    let cached = |request: RequestBuilder| request.header("x-echo-header", "cache-control: public, max-age=60");
    for status in ["200", "206", "404", "500"] {
        let answer =
            server.api_client().echo(Method::GET, |request| cached(request).header("x-echo-status", status)).await;
        assert_eq!(answer.headers.get_all("cache-control").iter().collect::<Vec<_>>(), ["no-store"], "{status}");
    }
    let refused = server.api_client().get("/proxy/..;/me").await;
    refused.is_problem(400, "invalid-request");
    assert_eq!(refused.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn every_method_passes_with_its_body() {
    let server = TestServer::with_ada_connected().await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = server.api_client().echo(method.clone(), |request| request.body("{\"title\":\"ä\"}")).await;
        let seen = answer.seen();
        assert_eq!(
            (seen.0["method"].as_str(), seen.0["body"]["text"].as_str()),
            (Some(method.as_str()), Some("{\"title\":\"ä\"}"))
        );
        assert_eq!(seen.header("content-length"), ["14"], "a known length stays known");
    }
    let bare = server.api_client().echo(Method::GET, |request| request).await;
    assert!(bare.seen().header("content-length").is_empty() && bare.seen().header("transfer-encoding").is_empty());
    let empty = server.api_client().echo(Method::POST, |request| request.body("")).await;
    assert_eq!(empty.seen().header("content-length"), ["0"]);
    let head = server.api_client().echo(Method::HEAD, |request| request).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let whole = server.api_client().echo(Method::GET, |request| request).await;
    // The echo contains the method, and `HEAD` is one letter longer than `GET`.
    let length = (whole.body.len() + 1).to_string();
    assert_eq!(head.header("content-length"), Some(length.as_str()));
}

#[tokio::test]
async fn a_header_picks_the_user() {
    let server = TestServer::with_ada_connected().await;
    server.browser().log_in("grace@example.com").await;
    let grace = User::find("grace@example.com").expect("Grace has an account");
    let me = async |names: &[&str]| {
        server
            .api_client()
            .send(Method::GET, "/proxy/me", |request| {
                names.iter().fold(request, |request, name| request.header("X-VideoAsk-User", *name))
            })
            .await
    };
    assert_eq!(me(&[]).await.json()["email"], "ada@example.com");
    for name in ["grace@example.com", "GRACE@example.com", &grace.user_id(), &grace.sub()] {
        assert_eq!(me(&[name]).await.json()["email"], "grace@example.com", "{name}");
    }
    me(&["eve@example.com"]).await.is_problem(403, "not-allowed");
    me(&[""]).await.is_problem(400, "invalid-request");
    me(&["ada@example.com", "grace@example.com"]).await.is_problem(400, "invalid-request");
}

#[tokio::test]
async fn the_organization_is_that_of_the_variable_unless_the_caller_names_one() {
    let server = keep_mode().var("ORGANIZATION_ID", "org-of-the-variable").start().await;
    server.logged_in().await;
    let plain = server.api_client().echo(Method::GET, |request| request).await;
    assert_eq!(plain.seen().header("organization-id"), ["org-of-the-variable"]);
    let named = server.api_client().echo(Method::GET, |request| request.header("organization-id", "mine")).await;
    assert_eq!(named.seen().header("organization-id"), ["mine"]);
}

#[tokio::test]
async fn a_redirect_is_passed_on_with_its_way_leading_through_here() {
    let server = TestServer::with_ada_connected().await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::Redirect));
    let answer = server.api_client().get("/proxy/forms").await;
    assert_eq!((answer.status, answer.header("location")), (307, Some("/proxy/echo/redirected")));
    assert_eq!(server.standin.counters().requests_to(Endpoint::Echo), 0, "it was not followed");
    let elsewhere = server
        .api_client()
        .echo(Method::GET, |request| {
            request.header("x-echo-status", "302").header("x-echo-header", "location: https://evil.example/x").header(
                "x-echo-header",
                format!("link: <{}forms?offset=20>; rel=\"next\", <https://www.example/>; rel=help", server.provider),
            )
        })
        .await;
    assert_eq!((elsewhere.status, elsewhere.header("location")), (302, Some("https://evil.example/x")));
    assert_eq!(
        elsewhere.header("link"),
        Some("</proxy/forms?offset=20>; rel=\"next\", <https://www.example/>; rel=help")
    );
}

#[tokio::test]
async fn a_failure_of_videoasks_is_its_own_and_is_not_tried_again() {
    let server = TestServer::with_ada_connected().await;
    for fault in [
        Fault::Status { status: 500 },
        Fault::Html { status: 502 },
        Fault::Status { status: 403 },
        Fault::TooManyRequests { reset_in: Some(60), retry_after: Some(7) },
    ] {
        server.standin.reset_counters();
        server.standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, fault.clone()));
        let answer = server.api_client().get("/proxy/forms").await;
        assert_ne!(answer.header("content-type"), Some("application/problem+json"), "{fault:?}");
        let status = match fault {
            Fault::Status { status } | Fault::Html { status } => status,
            _ => 429,
        };
        assert_eq!(answer.status, status);
        if status == 429 {
            assert_eq!(answer.header("retry-after"), Some("7"));
            assert!(answer.header("x-ratelimit-reset").is_some());
        }
        let counters = server.standin.counters();
        assert_eq!((counters.requests_to(Endpoint::Forms), counters.requests_to(Endpoint::Token)), (1, 0), "{fault:?}");
    }
}

#[tokio::test]
async fn an_api_that_cannot_be_reached_or_breaks_off_is_told_as_such() {
    let nobodys = ReservedPort::new();
    let server = TestServer::with_ada_connected().await;
    let unreachable = keep_mode()
        .beside(&server)
        .var("VIDEOASK_API_URL", format!("http://127.0.0.1:{}", nobodys.number()))
        .start()
        .await;
    unreachable.api_client().get("/proxy/forms").await.is_problem(502, "upstream-unavailable");
    for fault in [Fault::Cut, Fault::ReplyLost] {
        server.standin.reset_counters();
        server.standin.change_faults(|faults| faults.next(Endpoint::Echo, 1, fault));
        let answer = server.api_client().echo(Method::POST, |request| request.body("once")).await;
        answer.is_problem(502, "upstream-unavailable");
        assert_eq!(server.standin.counters().requests_to(Endpoint::Echo), 1, "it may have arrived: never twice");
    }
}

#[tokio::test]
async fn upgrades_are_refused_and_an_offer_of_http_2_is_ignored() {
    let server = TestServer::with_ada_connected().await;
    for protocol in ["websocket", "h2c, websocket", "TLS/1.0"] {
        let answer = server
            .api_client()
            .echo(Method::GET, |request| request.header("connection", "upgrade").header("upgrade", protocol))
            .await;
        answer.is_problem(400, "invalid-request");
    }
    let offer = server
        .api_client()
        .echo(Method::GET, |request| {
            request
                .header("connection", "Upgrade, HTTP2-Settings")
                .header("upgrade", "h2c")
                .header("http2-settings", "AAMAAABkAAQAoAAAAAIAAAAA")
        })
        .await;
    assert!(!offer.seen().names().contains(&"upgrade") && !offer.seen().names().contains(&"http2-settings"));
    let headers = format!("Host: localhost\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n");
    let connect = format!("CONNECT /proxy/echo HTTP/1.1\r\n{headers}");
    let connected = server.raw(&connect).await;
    assert!(connected.contains("urn:videoask-auth:invalid-request"), "{connected}");
    let switched = server.api_client().echo(Method::GET, |request| request.header("x-echo-status", "101")).await;
    switched.is_problem(502, "upstream-unavailable");
    assert_eq!(server.standin.counters().requests_to(Endpoint::Echo), 2);
}
