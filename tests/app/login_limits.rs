//! How many logins there may be at once, in one browser and in all, and VideoAsk's rate limit.

use std::time::Duration;

use standin::{Endpoint, Fault};

use crate::support::{Page, TestServer};

#[tokio::test]
async fn several_tabs_can_log_in_at_once_and_the_fifth_makes_the_oldest_go() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let mut tabs = Vec::new();
    for _ in 0..5 {
        tabs.push(browser.begin().await);
        server.pass(Duration::from_secs(1));
    }
    assert_eq!(browser.cookie_names().iter().filter(|name| name.contains("-login-")).count(), 4);
    let oldest = browser.approve(&tabs[0], "ada@example.com").await;
    assert_eq!(browser.get(oldest.as_str()).await.title(), "No login in progress");
    for tab in &tabs[1..] {
        let callback = browser.approve(tab, "ada@example.com").await;
        assert_eq!(browser.open(callback.as_str()).await.url.path(), "/tokens");
    }
    assert_eq!(server.standin.counters().code_exchanges, 4);
}

#[tokio::test]
async fn more_than_64_logins_at_once_are_asked_to_wait() {
    let server = TestServer::start().await;
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, Fault::Hang));
    let mut callbacks = Vec::new();
    for _ in 0..65 {
        let browser = server.browser();
        let page = browser.begin().await;
        callbacks.push((browser.clone(), browser.approve(&page, "ada@example.com").await));
    }
    let (last, callback) = callbacks.pop().expect("there are 65");
    for (browser, callback) in callbacks {
        tokio::spawn(async move { browser.get(callback.as_str()).await });
    }
    while server.standin.counters().requests_to(Endpoint::Token) < 64 {
        tokio::task::yield_now().await;
    }
    let page = last.get(callback.as_str()).await;
    assert_eq!((page.status, page.title().as_str()), (503, "Too many logins at once"));
    assert!(page.text().contains("Yours was not completed.") && !page.text().contains("nothing is lost"));
    assert_eq!(page.header("retry-after"), Some("5"));
}

/// Follows a callback whose code VideoAsk refuses, and returns the page.
async fn bogus_callback(server: &TestServer) -> Page {
    let browser = server.browser();
    let page = browser.begin().await;
    let mut callback = browser.approve(&page, "ada@example.com").await;
    let state = callback.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    callback.query_pairs_mut().clear().append_pair("state", &state).append_pair("code", "bogus");
    browser.get(callback.as_str()).await
}

#[tokio::test]
async fn bogus_callbacks_cannot_use_up_the_rate_limit_of_videoask() {
    let server = TestServer::start().await;
    for _ in 0..30 {
        assert_ne!(bogus_callback(&server).await.title(), "Too many logins at once");
    }
    let crowd = (0..6).map(|_| bogus_callback(&server));
    for page in futures_util::future::join_all(crowd).await {
        assert_eq!((page.status, page.title().as_str()), (503, "Too many logins at once"));
        assert_eq!(page.header("retry-after"), Some("5"));
    }
    assert_eq!(
        server.standin.counters().requests_to(Endpoint::Token),
        30,
        "nothing was sent while the bucket was empty"
    );

    server.pass(Duration::from_secs(2));
    server.logged_in().await;
    server.logged_in().await;
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 32, "a login that works is not charged");
    bogus_callback(&server).await;
    assert_eq!(bogus_callback(&server).await.title(), "Too many logins at once");
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 33);
}
