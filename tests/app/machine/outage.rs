//! The routes for programs while the store is down.

use std::time::Duration;

use standin::{Endpoint, User};
use videoask_auth::store::RowKey;

use crate::{
    keep::press_at,
    support::{FailingStore, api_client::keep_mode},
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_token_in_memory_is_good_to_its_end_however_long_the_store_is_silent() {
    let (store, server) = FailingStore::start().await;
    server.logged_in().await;
    let machine = server.api_client();
    assert_eq!(machine.get("/proxy/forms").await.status, 200);
    store.take_away();
    for _ in 0..5 {
        server.pass(20 * MINUTE);
        for path in ["/api/token", "/api/token?user=ADA@example.com", "/proxy/forms"] {
            let answer = machine.get(path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
        machine.get("/api/token?user=grace@example.com").await.is_problem(503, "store-unavailable");
        machine.get("/api/connections").await.is_problem(503, "store-unavailable");
    }
    server.pass(24 * 60 * MINUTE);
    machine.get("/api/token").await.is_problem(503, "store-unavailable");
    assert_eq!(
        server.standin.counters().requests_to(Endpoint::Token),
        1,
        "nothing is sent that cannot be written down"
    );
    store.give_back();
    server.pass(MINUTE);
    assert_eq!(machine.get("/api/token").await.status, 200);
    machine.get("/api/token?user=grace@example.com").await.is_problem(404, "not-connected");
}

#[tokio::test]
async fn nobody_is_told_to_log_in_by_what_was_known_before_the_outage() {
    let (store, server) = FailingStore::start().await;
    server.logged_in().await;
    let machine = server.api_client();
    server.pass(25 * 60 * MINUTE);
    server.standin.end_grants_of("ada@example.com");
    machine.get("/api/token").await.is_problem(409, "reconnect-required");
    server.pass(MINUTE);
    store.take_away();
    for path in ["/api/token", "/proxy/forms"] {
        machine.get(path).await.is_problem(503, "store-unavailable");
    }
    store.give_back();
    server.pass(MINUTE);
    machine.get("/api/token").await.is_problem(409, "reconnect-required");
}

#[tokio::test]
async fn a_browser_logs_out_without_the_store() {
    let (store, server) = FailingStore::start().await;
    let browser = server.logged_in().await;
    store.take_away();
    let left = browser.post("/logout").await;
    assert_eq!(left.status, 303, "{}", left.text());
    assert!(browser.cookie_names().is_empty(), "{:?}", browser.cookie_names());
    let home = browser.follow(left).await;
    assert_eq!((home.status, home.url.path()), (200, "/"));
    assert!(home.text().contains("Logged out in this browser. The storage did not respond"), "{}", home.text());
    store.give_back();
    assert_eq!(browser.get("/tokens").await.title(), "You are not logged in");
}

#[tokio::test]
async fn a_page_that_is_not_there_needs_no_store() {
    let (store, server) = FailingStore::start().await;
    let browser = server.logged_in().await;
    store.take_away();
    assert_eq!(browser.get("/nowhere").await.title(), "Page not found");
}

#[tokio::test]
async fn a_login_whose_session_cannot_be_saved_ends_on_a_page_that_says_so_and_saves_no_tokens() {
    let (store, server) = FailingStore::start().await;
    store.refuse_sessions();
    let browser = server.browser();
    let page = browser.log_in("ada@example.com").await;
    assert_eq!((page.status, page.title().as_str()), (503, "Storage is unavailable"));
    assert!(browser.cookie_names().is_empty(), "{:?}", browser.cookie_names());
    let user = User::find("ada@example.com").expect("Ada has an account").user_id();
    assert_eq!(server.store.peek(&RowKey::of_user(&user)).await.expect("the store works"), None);
}

#[tokio::test]
async fn a_lost_connection_is_written_back_unless_it_may_have_been_forgotten_elsewhere() {
    let (store, server) = FailingStore::start().await;
    let browser = server.logged_in().await;
    let page = browser.get("/tokens").await;
    let machine = server.api_client();
    assert_eq!(machine.get("/api/token").await.status, 200);
    store.lose_records();
    server.pass(Duration::from_secs(6));
    assert_eq!(machine.get("/api/token").await.status, 200, "nobody else knew it");

    let other = keep_mode().beside(&server).var("APP_URL", server.app.as_str()).start().await;
    assert_eq!(press_at(&browser, &page, other.port, "revoke").await.status, 303);
    server.pass(Duration::from_secs(16));
    store.lose_records();
    machine.get("/api/token").await.is_problem(404, "not-connected");
    let user = User::find("ada@example.com").expect("Ada has an account").user_id();
    assert_eq!(server.store.peek(&RowKey::of_user(&user)).await.expect("the store works"), None);
}
