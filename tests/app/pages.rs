//! The pages around the login: sessions, downloads, "try it", headers, and who may send a form.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use standin::{Deviation, Endpoint, Fault};

use crate::support::{Browser, Page, SECRET, Setup, TestServer, api_client::keep_mode};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_home_page_links_the_login_and_names_the_callback_to_register() {
    let server = TestServer::start().await;
    let page = server.browser().get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.element("callback-url"), Some(format!("{}auth/videoask/callback", server.app)));
    let logged_in = server.logged_in().await.get("/").await;
    assert!(logged_in.text().contains("<strong>ada@example.com</strong>"), "{}", logged_in.text());
}

#[tokio::test]
async fn the_token_page_is_for_those_who_logged_in() {
    let server = TestServer::start().await;
    for path in ["/tokens", "/tokens/forms", "/tokens/export/env", "/tokens/export/json"] {
        let page = server.browser().get(path).await;
        assert_eq!((page.status, page.title().as_str()), (403, "You are not logged in"), "{path}");
    }
}

#[tokio::test]
async fn the_downloads_hold_the_exact_pair() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let page = browser.get("/tokens").await;
    let (access, refresh) = (page.element("access-token").unwrap(), page.element("refresh-token").unwrap());

    let env = browser.get("/tokens/export/env").await;
    assert_eq!(env.header("content-disposition"), Some("attachment; filename=\"videoask.env\""));
    let expected = format!(
        "VIDEOASK_ACCESS_TOKEN={access}\nVIDEOASK_REFRESH_TOKEN={refresh}\nVIDEOASK_EXPIRES_AT=2026-11-25T08:00:00Z\n"
    );
    assert_eq!(env.text(), expected);

    server.pass(Duration::from_millis(1500));
    let json: Value = serde_json::from_slice(&browser.get("/tokens/export/json").await.body).expect("JSON");
    assert_eq!(json["access_token"], access);
    assert_eq!(json["refresh_token"], refresh);
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_at"], "2026-11-25T08:00:00Z");
    assert_eq!(json["expires_in"], 86_398);
    assert_eq!(json["user"], "ada@example.com");
    assert_eq!(browser.get("/tokens/export/xml").await.status, 404);
}

#[tokio::test]
async fn try_it_pages_through_the_forms_with_the_token() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let mut path = "/tokens/forms".to_owned();
    let mut pages = 0;
    loop {
        let page = browser.get(&path).await;
        assert_eq!(page.status, 200, "{}", page.text());
        pages += 1;
        let text = page.text();
        let Some((_, rest)) = text.split_once("rel=\"next\"").map(|(before, _)| before.rsplit_once("href=\"").unwrap())
        else {
            break;
        };
        path = rest.split_once('"').expect("a link").0.replace("&#38;", "&").replace("&amp;", "&");
        assert!(path.starts_with("/tokens/forms?"), "pages stay on this app: {path}");
    }
    assert_eq!(pages, 3, "45 forms are three pages of twenty");
    assert_eq!(server.standin.counters().requests_to(Endpoint::Forms), 3);
}

#[tokio::test]
async fn try_it_says_what_the_api_said() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::Status { status: 500 }));
    assert_eq!(browser.get("/tokens/forms").await.title(), "VideoAsk's API returned an error");
    server.standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::Cut));
    assert_eq!(browser.get("/tokens/forms").await.title(), "VideoAsk's API cannot be reached");
    server.standin.set_deviations([Deviation::RefuseAccessTokens]);
    let page = browser.get("/tokens/forms").await;
    assert_eq!(page.title(), "VideoAsk's API refused the access token");
    assert_eq!(browser.get("/tokens/forms?limit=many").await.status, 400);
}

#[tokio::test]
async fn logging_out_ends_the_session_and_its_pair_and_revokes_nothing() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let copy = browser.stolen();
    let page = browser.post("/logout").await;
    assert_eq!((page.status, page.location().unwrap().path().to_owned()), (303, "/".to_owned()));
    assert!(browser.cookie_names().is_empty(), "the cookie is gone: {:?}", browser.cookie_names());
    assert_eq!(copy.get("/tokens").await.status, 403);
    assert_eq!(browser.post("/logout").await.status, 303, "logging out twice is no error");
    assert_eq!(server.standin.counters().revokes, 0);
}

#[tokio::test]
async fn a_session_ends_after_an_hour_without_use() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    server.pass(59 * MINUTE);
    assert_eq!(browser.get("/tokens").await.status, 200);
    server.pass(59 * MINUTE);
    assert_eq!(browser.get("/tokens").await.status, 200, "use moves the limit, for session and pair");
    server.pass(60 * MINUTE);
    assert_eq!(browser.get("/tokens").await.status, 403);
}

#[tokio::test]
async fn a_session_ends_after_a_day_however_much_it_is_used() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    for _ in 0..47 {
        server.pass(30 * MINUTE);
        assert_eq!(browser.get("/tokens").await.status, 200);
    }
    server.pass(30 * MINUTE);
    assert_eq!(browser.get("/tokens").await.status, 403);
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let url = browser.url("/logout");
    let origin = server.app.origin().ascii_serialization();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "null"),
        ("origin", "https://evil.example"),
        ("x-nothing", "at all"),
    ] {
        let page = browser.send(Method::POST, &url, |request| request.header(name, value)).await;
        assert_eq!(
            (page.status, page.title().as_str()),
            (403, "That request came from another site"),
            "{name}: {value}"
        );
    }
    let both =
        |request: reqwest::RequestBuilder| request.header("sec-fetch-site", "cross-site").header("origin", &origin);
    assert_eq!(browser.send(Method::POST, &url, both).await.status, 403);
    assert_eq!(browser.get("/tokens").await.status, 200, "still logged in");
    let own = browser.send(Method::POST, &url, |request| request.header("origin", &origin)).await;
    assert_eq!(own.status, 303);
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_it() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    for path in ["/", "/tokens", "/tokens/forms", "/auth/videoask", "/nowhere", "/healthz", "/robots.txt"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(page.header(name), Some(value), "{path}");
        }
        assert!(page.header("x-request-id").is_some_and(|id| id.len() == 16), "{path}");
        assert_eq!(page.header("strict-transport-security"), None, "this APP_URL is http");
        let caching = page.header("cache-control");
        assert_eq!(caching, Some(if path == "/robots.txt" { "public, max-age=86400" } else { "no-store" }), "{path}");
    }
}

#[tokio::test]
async fn an_https_app_sets_host_cookies_and_hsts() {
    let server = Setup::default().var("APP_URL", "https://tokens.example.com").start().await;
    let page = server.browser().get("/auth/videoask").await;
    assert_eq!(page.header("strict-transport-security"), Some("max-age=31536000"));
    let cookie = page.header("set-cookie").expect("a pending login");
    assert!(cookie.starts_with("__Host-videoask-auth-login-"), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=600"] {
        assert!(cookie.contains(attribute), "{attribute}: {cookie}");
    }
    assert!(!cookie.contains("Domain"));
}

#[tokio::test]
async fn a_loopback_apps_cookies_carry_its_port() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let name = format!("videoask-auth-{}", server.app.port().expect("a port"));
    assert_eq!(browser.cookie_names(), [name]);
}

#[tokio::test]
async fn another_loopback_name_leads_to_the_apps_own() {
    let server = TestServer::start().await;
    let other = format!("http://127.0.0.1:{}/tokens?a=b", server.app.port().expect("a port"));
    let page = server.browser().get(&other).await;
    assert_eq!(page.status, 307);
    assert_eq!(page.location().map(String::from), Some(format!("{}tokens?a=b&redirected", server.app)));
    let again = server.browser().get(&format!("{other}&redirected")).await;
    assert_eq!(again.location().map(|url| url.path().to_owned()), None, "never twice, whatever a proxy does");
    // nginx sends such a request if its configuration omits `Host`.
    let without_host = server.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(without_host.starts_with("HTTP/1.0 200 "), "{without_host}");
    let health = other.replace("/tokens?a=b", "/healthz");
    assert_eq!(server.browser().get(&health).await.status, 200, "a health check is not redirected");
}

#[tokio::test]
async fn pages_that_are_not_there_say_so_with_a_way_on() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let page = browser.get("/nowhere").await;
    assert_eq!((page.status, page.title().as_str()), (404, "Page not found"));
    let page = browser.post("/tokens").await;
    assert_eq!((page.status, page.title().as_str()), (405, "This page does not work that way"));
    assert!(page.header("allow").is_some_and(|methods| methods.contains("GET")));
    let body = vec![b'x'; 70_000];
    let page = browser
        .send(Method::POST, &browser.url("/logout"), |request| {
            request.header("sec-fetch-site", "same-origin").body(body)
        })
        .await;
    assert_eq!((page.status, page.title().as_str()), (413, "That request is too large"));
}

#[tokio::test]
async fn every_error_page_has_the_navigation_of_who_is_logged_in() {
    let server = TestServer::start().await;
    let (ada, stranger) = (server.logged_in().await, server.browser());
    let other_site = |request: reqwest::RequestBuilder| request.header("sec-fetch-site", "cross-site");
    let too_large =
        |request: reqwest::RequestBuilder| request.header("sec-fetch-site", "same-origin").body(vec![b'x'; 70_000]);
    for (browser, is_ada) in [(&ada, true), (&stranger, false)] {
        let pages = [
            browser.get("/nowhere").await,
            browser.get("/static/nothing.css").await,
            browser.post("/tokens").await,
            browser.send(Method::POST, &browser.url("/logout"), other_site).await,
            browser.send(Method::POST, &browser.url("/logout"), too_large).await,
            browser.get("/auth/videoask?prompt=none").await,
        ];
        assert_eq!(pages.each_ref().map(|page| page.status), [404, 404, 405, 403, 413, 400]);
        for page in &pages {
            let text = page.text();
            assert_eq!(text.contains("title=\"ada@example.com\""), is_ada, "{}: {text}", page.status);
            assert_eq!(text.contains("Log out</button>"), is_ada, "{}: {text}", page.status);
            assert_eq!(page.header("cache-control"), Some("no-store"));
        }
    }
    ada.post("/logout").await;
    assert!(!ada.get("/nowhere").await.text().contains("ada@example.com"));
}

#[tokio::test]
async fn an_error_page_shows_the_request_id_of_its_header() {
    let server = TestServer::start().await;
    let page = server.browser().get("/nowhere").await;
    let id = page.header("x-request-id").expect("an id").to_owned();
    assert!(page.text().contains(&format!("<code>{id}</code>")));
    let forged = |request: reqwest::RequestBuilder| request.header("x-request-id", "forged");
    let page = server.browser().send(Method::GET, &server.app, forged).await;
    assert_ne!(page.header("x-request-id"), Some("forged"));
}

#[tokio::test]
async fn static_files_are_kept_by_browsers_and_change_their_names_with_their_content() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let home = browser.get("/").await.text();
    for (start, media_type) in [
        ("/static/style.", "text/css; charset=utf-8"),
        ("/static/app.", "text/javascript; charset=utf-8"),
        ("/static/icon.", "image/svg+xml"),
    ] {
        let rest = home.split_once(start).expect("the page links it").1;
        let path = format!("{start}{}", rest.split_once('"').expect("a link").0);
        let file = browser.get(&path).await;
        assert_eq!((file.status, file.header("content-type")), (200, Some(media_type)));
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
    }
    assert_eq!(browser.get("/static/style.css").await.status, 404);
    assert_eq!(browser.get("/favicon.ico").await.header("content-type"), Some("image/x-icon"));
    assert!(browser.get("/robots.txt").await.text().contains("Disallow: /\n"));
}

/// Requests a page with gzip accepted, as every browser does.
async fn takes_gzip(browser: &Browser, path: &str) -> Page {
    browser.send(Method::GET, &browser.url(path), |request| request.header("accept-encoding", "gzip")).await
}

#[tokio::test]
async fn what_may_have_a_secret_is_never_compressed_and_the_embedded_files_are() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    for path in ["/", "/tokens", "/tokens/forms", "/tokens/export/env", "/tokens/export/json", "/nowhere", "/static/no"]
    {
        let page = takes_gzip(&browser, path).await;
        assert_eq!((page.header("content-encoding"), page.header("vary")), (None, None), "{path}");
    }
    let machine = server.api_client();
    let with_gzip = |request: reqwest::RequestBuilder| request.header("accept-encoding", "gzip");
    for path in ["/api/token", "/api/connections", "/proxy/forms"] {
        let answer = machine.send(Method::GET, path, with_gzip).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, None), "{path}");
    }

    let description = machine.send(Method::GET, "/api/openapi.json", with_gzip).await;
    assert_eq!(description.header("content-encoding"), Some("gzip"));
    let home = browser.get("/").await.text();
    let (_, rest) = home.split_once("/static/style.").expect("the page links it");
    let style = format!("/static/style.{}", rest.split_once('"').expect("a link").0);
    let (plain, compressed) = (browser.get(&style).await, takes_gzip(&browser, &style).await);
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(compressed.header("content-encoding"), Some("gzip"));
    assert!(compressed.body.len() < plain.body.len() / 2, "{} of {}", compressed.body.len(), plain.body.len());
    for file in [&plain, &compressed] {
        assert_eq!(file.header("vary"), Some("accept-encoding"), "a cache on the way keeps both");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
    }
}

#[tokio::test]
async fn secrets_rotate_without_logging_anyone_out() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let rotated = Setup::default()
        .store(server.store.clone())
        .var("EXPRESS_SESSION", "a-new-secret-0123456789abcdefghijk")
        .var("EXPRESS_SESSION_PREVIOUS", SECRET)
        .var("APP_URL", server.app.as_str())
        .start()
        .await;
    // The second app answers under the first one's APP_URL, so the cookie's name is the same; only the port differs.
    let page = browser.get(&format!("http://localhost:{}/tokens", rotated.port)).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("ada@example.com"));

    let dropped = Setup::default()
        .store(server.store.clone())
        .var("EXPRESS_SESSION", "a-new-secret-0123456789abcdefghijk")
        .var("APP_URL", server.app.as_str())
        .start()
        .await;
    let page = browser.get(&format!("http://localhost:{}/tokens", dropped.port)).await;
    assert_eq!(page.status, 403, "without the old secret the session counts as ended");
}
