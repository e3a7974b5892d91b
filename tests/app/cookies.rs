//! Cookies that an attacker has set, on plain HTTP. `tests/browser/tests/hosts` does the same in a real browser.

use reqwest::{Method, header::COOKIE};

use crate::support::{Browser, Page, Setup, TestServer};

/// Opens a page with the browser's own cookies and these, once in each order.
async fn open_with(browser: &Browser, path: &str, tossed: &str) -> [Page; 2] {
    let own = browser.cookie_header();
    let mut pages = Vec::new();
    for cookies in [format!("{tossed}; {own}"), format!("{own}; {tossed}")] {
        // A new browser has no cookies, so it sends only these.
        let bare = Browser::new(browser.url("/"));
        let request = |request: reqwest::RequestBuilder| request.header(COOKIE, cookies);
        pages.push(bare.send(Method::GET, &browser.url(path), request).await);
    }
    pages.try_into().expect("there are two")
}

/// The same cookie with its name percent-encoded. A server that decodes names would read the original name.
fn encoded(cookie: &str) -> String {
    format!("%{:02X}{}", cookie.as_bytes()[0], &cookie[1..])
}

#[tokio::test]
async fn a_session_under_an_encoded_name_is_nobodys() {
    let server = TestServer::start().await;
    let (ada, mallory) = (server.logged_in().await, server.browser());
    mallory.log_in("mallory@example.com").await;
    let tossed = encoded(&mallory.cookie_header());
    for page in open_with(&ada, "/tokens", &tossed).await {
        assert!(page.text().contains("ada@example.com"), "{}", page.text());
    }
    for page in open_with(&server.browser(), "/tokens", &tossed).await {
        assert_eq!((page.status, page.title().as_str()), (403, "You are not logged in"));
    }
}

#[tokio::test]
async fn of_two_sessions_under_one_name_neither_is_taken() {
    let server = TestServer::start().await;
    let (ada, mallory) = (server.logged_in().await, server.browser());
    mallory.log_in("mallory@example.com").await;
    for page in open_with(&ada, "/tokens", &mallory.cookie_header()).await {
        assert_eq!((page.status, page.title().as_str()), (403, "You are not logged in"));
    }
    for page in open_with(&ada, "/tokens", &ada.cookie_header()).await {
        assert_eq!(page.status, 200, "the same one twice is one");
    }
}

#[tokio::test]
async fn a_begun_login_under_an_encoded_name_is_not_completed() {
    let server = TestServer::start().await;
    let mallory = server.browser();
    let page = mallory.begin().await;
    let callback = mallory.approve(&page, "mallory@example.com").await;
    let tossed = mallory.cookie_header().split("; ").map(encoded).collect::<Vec<_>>().join("; ");
    for page in open_with(&server.browser(), callback.as_str(), &tossed).await {
        assert_eq!((page.status, page.title().as_str()), (400, "No login in progress"));
    }
    assert_eq!(server.standin.counters().code_exchanges, 0);
}

#[tokio::test]
async fn a_planted_session_is_replaced_by_a_login() {
    for users in ["", "ada@example.com,mallory@example.com"] {
        let server = Setup::default().var("ALLOWED_USERS", users).start().await;
        let mallory = server.browser();
        mallory.log_in("mallory@example.com").await;
        let victim = mallory.stolen();
        let page = victim.log_in("ada@example.com").await;
        assert!(page.text().contains("ada@example.com"), "{}", page.text());
        assert_ne!(victim.cookie_header(), mallory.cookie_header(), "a login takes a new id");
        let page = mallory.get("/tokens").await;
        assert_eq!((page.status, page.title().as_str()), (403, "You are not logged in"));
    }
}

#[tokio::test]
async fn a_made_up_session_id_is_not_taken_over_by_a_login() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let name = format!("videoask-auth-{}", server.port);
    browser.set_cookie(&name, "AAAAAAAAAAAAAAAAAAAAAA");
    browser.log_in("ada@example.com").await;
    assert!(!browser.cookie_header().contains("AAAAAAAAAAAAAAAAAAAAAA"));
    let planted = server.browser();
    planted.set_cookie(&name, "AAAAAAAAAAAAAAAAAAAAAA");
    assert_eq!(planted.get("/tokens").await.status, 403);
}
