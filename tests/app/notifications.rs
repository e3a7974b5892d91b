//! The notifications that a real app sends to a real receiver at NOTIFY_URL.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use standin::User;
use videoask_auth::store::RowKey;

use crate::keep::press;
use crate::support::{
    TestServer,
    api_client::keep_mode,
    receiver::{Behaviour, Receiver},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ADA: &str = "ada@example.com";

async fn notified_by(receiver: &Receiver) -> TestServer {
    keep_mode().var("NOTIFY_URL", receiver.url()).start().await
}

/// Ends Ada's grant, and lets the app find out.
async fn end_grant(server: &TestServer) {
    server.standin.end_grants_of(ADA);
    server.pass(DAY);
    assert_eq!(server.api_client().get("/api/token").await.status, 409);
}

/// Lets time pass until a condition holds.
async fn wait_until(server: &TestServer, holds: impl Fn() -> bool) {
    wait_until_async(server, async || holds()).await;
}

/// The same for a condition that has to be awaited, such as one of the store.
#[expect(clippy::disallowed_methods, reason = "the deadline is of real time")]
async fn wait_until_async(server: &TestServer, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < deadline, "it does not come to hold");
        server.pass(Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Lets time pass until the receiver has accepted so many events.
async fn wait_for(server: &TestServer, receiver: &Receiver, events: usize) -> Vec<Value> {
    wait_until(server, || receiver.accepted().len() >= events).await;
    receiver.accepted()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

#[tokio::test]
async fn one_click_on_the_link_renews_the_connection_that_ended() {
    let receiver = Receiver::start();
    let server = notified_by(&receiver).await;
    server.logged_in().await;
    end_grant(&server).await;
    let event = wait_for(&server, &receiver, 1).await.remove(0);
    let link = format!("{}auth/videoask", server.app);
    assert_eq!((&event["event"], &event["user"]), (&json!("log-in-again"), &json!(ADA)));
    assert_eq!(
        (&event["login_url"], &event["content"], &event["log_in_before"]),
        (&json!(link), &event["text"], &json!(null))
    );
    let text = event["text"].as_str().unwrap();
    assert!(text.contains(ADA) && text.ends_with(&link), "{text}");
    let mut fields: Vec<_> = event.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["at", "content", "event", "id", "log_in_before", "login_url", "reason", "text", "user", "user_id"]
    );

    let browser = server.browser();
    let login = browser.open(&link).await;
    assert_eq!(login.url.path(), "/authorize", "nothing is between the link and VideoAsk's login");
    let callback = browser.approve(&login, ADA).await;
    assert_eq!(browser.open(callback.as_str()).await.status, 200);
    let renewed = server.api_client().get("/api/connections").await.json();
    assert_eq!(renewed["connections"][0]["state"], "live");
    assert_eq!(server.api_client().get("/api/token").await.status, 200);
    let events = wait_for(&server, &receiver, 2).await;
    assert_eq!(names(&events), ["log-in-again", "recovered"]);
    assert_ne!(events[0]["id"], events[1]["id"]);
}

#[tokio::test]
async fn the_end_by_age_is_told_before_it_comes() {
    let receiver = Receiver::start();
    let server = keep_mode().var("NOTIFY_URL", receiver.url()).var("REFRESH_TOKEN_LIFETIME", "10d").start().await;
    server.logged_in().await;
    server.pass(8 * DAY + DAY / 10);
    let events = wait_for(&server, &receiver, 1).await;
    assert_eq!(names(&events), ["log-in-soon"]);
    assert_eq!(events[0]["log_in_before"], json!("2026-12-04T08:00:00Z"));
    assert!(events[0]["text"].as_str().unwrap().contains("before 4 December 2026"), "{}", events[0]["text"]);
    let shown = server.api_client().get("/api/connections").await.json();
    assert_eq!(shown["connections"][0]["log_in_before"], events[0]["log_in_before"]);
}

#[tokio::test]
async fn nothing_stays_of_what_was_told_about_a_connection_that_was_revoked() {
    let receiver = Receiver::start();
    let server = notified_by(&receiver).await;
    server.logged_in().await;
    let key = RowKey::of_user(&User::find(ADA).unwrap().user_id());
    let is_noted = async || server.store.notification(&key).await.unwrap().is_some();
    assert!(!is_noted().await, "there is nothing to report");
    end_grant(&server).await;
    wait_for(&server, &receiver, 1).await;
    assert!(is_noted().await);
    let browser = server.logged_in().await;
    let page = browser.get("/tokens").await;
    assert_eq!(press(&browser, &page, "revoke").await.status, 303);
    wait_until_async(&server, async || !is_noted().await).await;
    server.logged_in().await;
    end_grant(&server).await;
    let told = wait_for(&server, &receiver, 2).await;
    assert_eq!(names(&told), ["log-in-again", "log-in-again"], "the next login is reported as the first one");
    assert_ne!(told[0]["id"], told[1]["id"]);
}

#[tokio::test]
async fn a_receiver_that_fails_is_told_again_with_the_same_id_and_redirects_lead_nowhere() {
    let receiver = Receiver::start();
    let server = notified_by(&receiver).await;
    server.logged_in().await;
    receiver.behave(Behaviour::Fail);
    end_grant(&server).await;
    wait_until(&server, || receiver.got(Behaviour::Fail).len() >= 2).await;
    receiver.behave(Behaviour::Redirect);
    wait_until(&server, || !receiver.got(Behaviour::Redirect).is_empty()).await;
    receiver.behave(Behaviour::Accept);
    let accepted = wait_for(&server, &receiver, 1).await.remove(0);
    for earlier in receiver.got(Behaviour::Fail).iter().chain(&receiver.got(Behaviour::Redirect)) {
        assert_eq!(*earlier, accepted);
    }
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_hand_out_and_no_login() {
    let receiver = Receiver::start();
    let server = notified_by(&receiver).await;
    server.logged_in().await;
    receiver.behave(Behaviour::Hang);
    end_grant(&server).await;
    while_it_hangs(&server, &receiver, async || assert_eq!(server.api_client().get("/api/token").await.status, 409))
        .await;
    while_it_hangs(&server, &receiver, async || drop(server.logged_in().await)).await;
    while_it_hangs(&server, &receiver, async || assert_eq!(server.api_client().get("/api/token").await.status, 200))
        .await;
}

/// Repeats an action until it starts and ends within one delivery. A delivery that hangs ends after 5 s of real time.
async fn while_it_hangs(server: &TestServer, receiver: &Receiver, act: impl AsyncFn()) {
    loop {
        wait_until(server, || receiver.hanging().is_some()).await;
        let delivery = receiver.hanging();
        act().await;
        if delivery.is_some() && receiver.hanging() == delivery {
            return;
        }
    }
}
