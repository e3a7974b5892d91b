//! Keep mode on the pages: who may log in, what is kept, and the buttons.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use standin::{Deviation, Endpoint, Fault};
use url::Url;

use crate::support::{Browser, Page, Setup, TestServer};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn start_for(users: &str) -> TestServer {
    Setup::default().var("ALLOWED_USERS", users).start().await
}

/// Sends the form of a button, with the values that the page contains.
pub async fn press(browser: &Browser, page: &Page, button: &str) -> Page {
    press_on(browser, page, &browser.url(&format!("/tokens/{button}"))).await
}

/// Sends the form of a button to another app with the same `APP_URL`, at this port.
pub async fn press_at(browser: &Browser, page: &Page, port: u16, button: &str) -> Page {
    press_on(browser, page, &browser.url(&format!("http://localhost:{port}/tokens/{button}"))).await
}

async fn press_on(browser: &Browser, page: &Page, url: &Url) -> Page {
    let value = |name: &str| {
        let text = page.text();
        let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).expect("the page has buttons");
        rest.split_once('"').expect("a value").0.to_owned()
    };
    let form = [("connection", value("connection")), ("generation", value("generation"))];
    browser.send(Method::POST, url, |request| request.header("sec-fetch-site", "same-origin").form(&form)).await
}

#[tokio::test]
async fn a_listed_user_logs_in_and_the_page_tells_who_holds_the_refresh_token() {
    let server = start_for("ada@example.com").await;
    let page = server.logged_in().await.get("/tokens").await;
    assert!(page.text().contains("This app holds the refresh token"));
    assert!(page.text().contains("Next refresh") && page.text().contains("Refresh now"));
    assert!(page.element("refresh-token").is_some());
}

#[tokio::test]
async fn where_only_the_person_refreshes_no_refresh_is_promised() {
    let page = TestServer::start().await.logged_in().await.get("/tokens").await;
    assert!(page.text().contains("Refresh now") && !page.text().contains("Next refresh"));
}

#[tokio::test]
async fn the_entry_may_be_an_email_in_any_case_a_user_id_or_a_sub() {
    let ada = standin::User::find("ada@example.com").expect("Ada has an account");
    for entry in ["ADA@Example.com".to_owned(), ada.user_id(), ada.sub()] {
        let server = start_for(&entry).await;
        server.logged_in().await;
    }
}

#[tokio::test]
async fn anybody_else_gets_the_way_out_and_nothing_is_stored() {
    let server = start_for("ada@example.com").await;
    let browser = server.browser();
    let page = browser.log_in("grace@example.com").await;
    assert_eq!((page.status, page.title().as_str()), (403, "You are not on this app's list"));
    assert!(page.text().contains("<strong>Grace Hopper, grace@example.com</strong>"), "{}", page.text());
    assert!(page.text().contains("/auth/videoask?prompt=login"));
    assert!(!page.text().contains("ada@example.com"), "the list is nobody's business");
    assert!(browser.cookie_names().is_empty());
    assert_eq!(browser.get("/tokens").await.title(), "You are not logged in");
}

#[tokio::test]
async fn an_unverified_email_opens_nothing() {
    let server = start_for("eve@example.com").await;
    let page = server.browser().log_in("eve@example.com").await;
    assert_eq!(page.status, 403);
    assert!(page.text().contains("(not verified)"));
}

#[tokio::test]
async fn a_failing_me_is_asked_again_and_then_nothing_is_stored() {
    let server = start_for("ada@example.com").await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Me, 2, Fault::Status { status: 500 }));
    server.logged_in().await;
    server.standin.change_faults(|faults| faults.always(Endpoint::Me, Fault::Status { status: 500 }));
    let browser = server.browser();
    let page = browser.log_in("ada@example.com").await;
    assert_eq!((page.status, page.title().as_str()), (502, "VideoAsk did not say who you are"));
    assert!(browser.cookie_names().is_empty());
}

#[tokio::test]
async fn the_page_shows_programs_the_shortest_way_that_is_set_up() {
    const KEY: &str = "a-key-of-thirty-two-characters-or-more";
    for (users, key, variable, base, hint) in [
        ("ada@example.com", "", "VIDEOASK_ACCESS_TOKEN", None, "videoask-auth exec -- &lt;program&gt;"),
        ("ada@example.com", KEY, "VIDEOASK_AUTH_API_KEY", Some("proxy/"), "forwards the request to VideoAsk. <a"),
        (
            "eve@example.com,ada@example.com",
            KEY,
            "VIDEOASK_AUTH_API_KEY",
            Some("proxy/"),
            "X-VideoAsk-User: ada@example.com",
        ),
        // Requests for the first user need no header.
        (
            "ADA@example.com,eve@example.com",
            KEY,
            "VIDEOASK_AUTH_API_KEY",
            Some("proxy/"),
            "forwards the request to VideoAsk. <a",
        ),
    ] {
        let server = Setup::default().var("ALLOWED_USERS", users).var("API_KEY", key).start().await;
        let page = server.logged_in().await.get("/tokens").await;
        let token = page.element("access-token").expect("a token");
        let base = base.map_or(server.provider.clone(), |path| server.app.join(path).expect("a path"));
        for index in 1..=4 {
            let program = page.element(&format!("snippet-{index}")).expect("a program");
            assert!(program.contains(variable) && !program.contains(&token), "{program}");
            assert!(program.contains(&format!("\"{}forms", base.as_str())), "{program}");
        }
        assert!(page.text().contains(hint), "{}", page.text());
        assert!(!page.text().contains(KEY), "a user who may log in need not have a key");
    }
}

#[tokio::test]
async fn a_connection_outlives_its_session_and_logging_out() {
    let server = start_for("ada@example.com").await;
    let browser = server.logged_in().await;
    browser.post("/logout").await;
    server.pass(2 * HOUR);
    let again = server.logged_in().await.get("/tokens").await;
    assert!(again.text().contains("The previous connection lasted"), "{}", again.text());
}

#[tokio::test]
async fn the_button_refreshes_once_however_often_it_is_pressed() {
    for users in ["", "ada@example.com"] {
        let server = start_for(users).await;
        let browser = server.logged_in().await;
        let page = browser.get("/tokens").await;
        server.pass(Duration::from_secs(1));
        let presses = (0..20).map(|_| press(&browser, &page, "refresh"));
        for pressed in futures_util::future::join_all(presses).await {
            assert_eq!(pressed.location().map(|url| url.path().to_owned()).as_deref(), Some("/tokens"));
        }
        assert_eq!(server.standin.counters().refresh_exchanges, 1, "mode {users:?}");
        let newer = browser.get("/tokens").await;
        assert_ne!(newer.element("access-token"), page.element("access-token"));
    }
}

#[tokio::test]
async fn a_refresh_that_fails_says_why_and_keeps_the_pair() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let page = browser.get("/tokens").await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::Status { status: 500 }));
    let failed = press(&browser, &page, "refresh").await;
    assert_eq!((failed.status, failed.title().as_str()), (503, "The refresh failed for now"));
    assert_eq!(browser.get("/tokens").await.element("access-token"), page.element("access-token"));
}

#[tokio::test]
async fn a_dead_connection_says_why_and_offers_a_login() {
    let server = start_for("ada@example.com").await;
    let browser = server.logged_in().await;
    let page = browser.get("/tokens").await;
    server.standin.end_grants_of("ada@example.com");
    let failed = press(&browser, &page, "refresh").await;
    assert_eq!((failed.status, failed.title().as_str()), (409, "The connection was lost"));
    assert!(failed.text().contains("invalid_grant"));
    let shown = browser.get("/tokens").await;
    assert!(shown.text().contains("Connection lost"), "{}", shown.text());
    assert_eq!(shown.element("access-token"), page.element("access-token"), "a valid token is shown to its end");
}

#[tokio::test]
async fn after_a_button_a_page_says_what_it_did() {
    for users in ["", "ada@example.com"] {
        let server = start_for(users).await;
        let browser = server.logged_in().await;
        let first = browser.get("/tokens").await;
        server.pass(Duration::from_secs(1));

        let refreshed = browser.follow(press(&browser, &first, "refresh").await).await;
        assert_eq!((refreshed.status, refreshed.url.path()), (200, "/tokens"));
        assert!(refreshed.text().contains("Refreshed. These are your new tokens."), "{}", refreshed.text());
        for (button, sentence) in [("refresh", "so nothing was refreshed."), ("revoke", "so nothing was revoked.")] {
            let page = browser.follow(press(&browser, &first, button).await).await;
            assert_eq!((page.status, page.url.path()), (200, "/tokens"));
            assert!(page.text().contains(sentence), "{}", page.text());
            assert_eq!(page.element("access-token"), refreshed.element("access-token"), "the newer tokens are shown");
        }

        let leaving = press(&browser, &refreshed, "revoke").await;
        assert_eq!((leaving.status, server.standin.counters().revokes), (303, 1));
        let home = browser.follow(leaving).await;
        assert_eq!((home.status, home.url.path()), (200, "/"), "mode {users:?}");
        assert!(home.text().contains("Revoked. VideoAsk no longer accepts the refresh token"), "{}", home.text());
        assert!(home.text().contains("Login on VideoAsk") && !home.text().contains("You are logged in"));
        assert!(browser.cookie_names().is_empty(), "the session ended with its connection");
        assert_eq!(browser.get("/tokens").await.title(), "You are not logged in");
    }
}

#[tokio::test]
async fn a_refresh_whose_token_expires_at_once_is_not_told_as_a_success() {
    for users in ["", "ada@example.com"] {
        let server = start_for(users).await;
        let browser = server.logged_in().await;
        let first = browser.get("/tokens").await;
        server.standin.change_faults(|faults| faults.expires_in = Some(1));
        let page = browser.follow(press(&browser, &first, "refresh").await).await.text();
        assert!(
            page.contains("<p class=\"feedback warning\" role=\"status\">VideoAsk issued new tokens, but"),
            "{page}"
        );
        assert!(!page.contains("Refreshed. These are your new tokens"), "{page}");
        assert!(page.contains("<h2>What happened</h2>"), "it explains: {page}");
    }
}

#[tokio::test]
async fn nobody_can_be_told_of_a_revocation_that_was_none() {
    let page = TestServer::start().await.logged_in().await.get("/?done=revoked").await;
    assert!(!page.text().contains("Revoked."), "{}", page.text());
}

#[tokio::test]
async fn the_home_page_says_so_where_the_connection_was_revoked_elsewhere() {
    let server = start_for("ada@example.com").await;
    let (here, elsewhere) = (server.logged_in().await, server.logged_in().await);
    let page = elsewhere.get("/tokens").await;
    press(&elsewhere, &page, "revoke").await;
    let home = here.get("/").await.text();
    assert!(!home.contains("did not tell this app who you are"), "{home}");
    assert!(home.contains("Login on VideoAsk"), "{home}");
}

#[tokio::test]
async fn try_it_with_an_expired_token_says_so_where_only_the_person_refreshes() {
    let server = Setup::default().tenant(|options| options.access_ttl = Duration::from_secs(60)).start().await;
    let browser = server.logged_in().await;
    server.pass(Duration::from_secs(61));
    let page = browser.get("/tokens/forms").await;
    assert_eq!((page.status, page.title().as_str()), (409, "The access token has expired"));
    assert!(page.text().contains("href=\"/tokens\">Show my tokens"), "{}", page.text());
    let page = browser.get("/tokens").await.text();
    assert!(page.contains("The access token has expired · Your tokens"), "the title says it: {page}");
    assert!(page.contains("<h2 id=\"state\">The access token has expired</h2>"), "{page}");
}

#[tokio::test]
async fn a_revocation_that_is_not_confirmed_can_be_tried_again() {
    let server = start_for("ada@example.com").await;
    let browser = server.logged_in().await;
    let page = browser.get("/tokens").await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Revoke, 1, Fault::Status { status: 500 }));
    let failed = press(&browser, &page, "revoke").await;
    assert_eq!((failed.status, failed.title().as_str()), (502, "VideoAsk did not confirm the revocation"));
    let pending = browser.get("/tokens").await;
    assert_eq!((pending.status, pending.title().as_str()), (200, "Revocation not confirmed yet"));
    assert_eq!(press(&browser, &pending, "revoke").await.status, 303);
    assert_eq!(server.standin.counters().revokes, 1);
    assert_eq!(browser.get("/tokens").await.status, 403);
}

#[tokio::test]
async fn a_revoke_that_fails_says_that_nothing_was_revoked() {
    for users in ["", "ada@example.com"] {
        let server = start_for(users).await;
        let browser = server.logged_in().await;
        let page = browser.get("/tokens").await;
        let app_url = || Setup::default().var("ALLOWED_USERS", users).var("APP_URL", server.app.as_str());
        let other_client = app_url().beside(&server).var("CLIENT_ID", "another-client-id").start().await;
        let failed = press_at(&browser, &page, other_client.port, "revoke").await;
        assert_eq!((failed.status, failed.title().as_str()), (409, "These tokens belong to another app"));
        assert!(failed.text().contains("so this app cannot revoke them."), "{}", failed.text());
        let refreshed = press_at(&browser, &page, other_client.port, "refresh").await;
        assert!(refreshed.text().contains("so this app cannot refresh them."), "{}", refreshed.text());
        assert_eq!(server.standin.counters().revokes, 0);
    }
}

#[tokio::test]
async fn the_downloads_leave_the_refresh_token_here() {
    let server = start_for("ada@example.com").await;
    let browser = server.logged_in().await;
    assert!(!browser.get("/tokens/export/env").await.text().contains("REFRESH"));
    let json: Value = serde_json::from_slice(&browser.get("/tokens/export/json").await.body).expect("JSON");
    assert!(json.get("refresh_token").is_none() && json["access_token"].is_string());
}

#[tokio::test]
async fn a_login_without_a_refresh_token_keeps_the_connection_that_has_one() {
    let server = start_for("ada@example.com").await;
    let before = server.logged_in().await.get("/tokens").await;
    server.standin.set_deviations([Deviation::NoRefreshToken]);
    let page = server.browser().log_in("ada@example.com").await;
    assert!(page.text().contains("Your earlier connection was kept"), "{}", page.text());
    assert_eq!(page.element("refresh-token"), before.element("refresh-token"));
}

#[tokio::test]
async fn a_user_taken_off_the_list_is_shut_out_at_once() {
    let server = start_for("ada@example.com,grace@example.com").await;
    let browser = server.logged_in().await;
    let without = Setup::default()
        .store(server.store.clone())
        .var("ALLOWED_USERS", "grace@example.com")
        .var("APP_URL", server.app.as_str())
        .start()
        .await;
    let page = browser.get(&format!("http://localhost:{}/tokens", without.port)).await;
    assert_eq!((page.status, page.title().as_str()), (403, "You are no longer on this app's list"));
}

#[tokio::test]
async fn a_session_of_the_other_mode_counts_as_logged_out() {
    let minting = TestServer::start().await;
    let browser = minting.logged_in().await;
    let keep_mode = Setup::default()
        .store(minting.store.clone())
        .var("ALLOWED_USERS", "ada@example.com")
        .var("APP_URL", minting.app.as_str())
        .start()
        .await;
    let page = browser.get(&format!("http://localhost:{}/tokens", keep_mode.port)).await;
    assert_eq!((page.status, page.title().as_str()), (403, "You are not logged in"));
}

#[tokio::test]
async fn ready_is_told_from_alive() {
    for users in ["", "ada@example.com"] {
        let server = start_for(users).await;
        let page = loop {
            // The keeper reports itself alive a moment after the start.
            let page = server.browser().get("/readyz").await;
            if page.status == 200 {
                break page;
            }
            assert!(page.text().contains("keeper"), "{}", page.text());
        };
        assert_eq!(page.text(), r#"{"status":"ready"}"#);
    }
}

#[tokio::test]
async fn a_revoke_ends_every_session_of_its_user_and_a_new_login_revives_none() {
    let server = start_for("ada@example.com,grace@example.com").await;
    let (one, other, grace) = (server.logged_in().await, server.logged_in().await, server.browser());
    grace.log_in("grace@example.com").await;
    let page = one.get("/tokens").await;
    assert_eq!(page.status, 200, "a later login of the same user ends no session");
    assert_eq!(press(&one, &page, "revoke").await.status, 303);
    assert_ne!(other.get("/tokens").await.status, 200);

    let new = server.logged_in().await;
    for ended in [&one, &other] {
        for path in ["/tokens", "/tokens/export/json", "/tokens/forms"] {
            let page = ended.get(path).await;
            assert_eq!((page.status, page.title().as_str()), (403, "You are not logged in"), "{path}");
        }
        assert!(!ended.get("/").await.text().contains("ada@example.com"));
    }
    let page = new.get("/tokens").await;
    assert_eq!(press(&new, &page, "refresh").await.status, 303);
    assert_eq!(new.get("/tokens").await.status, 200, "a refresh ends no session");
    assert_eq!(grace.get("/tokens").await.status, 200);
}
