//! The login, from the home page to the token page, and the ways in which it can fail.

use std::time::Duration;

use reqwest::Method;
use standin::{Deviation, Endpoint, Fault};
use url::Url;

use crate::support::{Page, Setup, TestServer};

const MINUTE: Duration = Duration::from_secs(60);

/// Logs in with a deviation, two minutes after the previous login, and returns the last page.
async fn log_in_under(server: &TestServer, deviation: Deviation) -> Page {
    server.pass(2 * MINUTE);
    server.standin.set_deviations([deviation]);
    server.browser().log_in("ada@example.com").await
}

#[tokio::test]
async fn a_login_ends_on_the_page_with_both_tokens() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let home = browser.get("/").await;
    assert!(home.text().contains(&format!("{}auth/videoask\"", server.app)), "{}", home.text());

    let page = browser.log_in("ada@example.com").await;
    assert_eq!((page.status, page.url.path()), (200, "/tokens"));
    let access = page.element("access-token").expect("the access token is on the page");
    assert_eq!(access.split('.').count(), 3, "the demo's access token is a JWT");
    assert!(page.element("refresh-token").is_some_and(|token| !token.is_empty()));
    assert!(page.text().contains("ada@example.com"));
    assert!(page.text().contains("24 h 0 min"));
    assert!(page.text().contains("2026-11-25T08:00:00Z"));
    assert_eq!(server.standin.counters().code_exchanges, 1);
}

#[tokio::test]
async fn the_redirect_to_videoask_carries_values_that_cannot_be_guessed() {
    let server = TestServer::start().await;
    let there = server.browser().get("/auth/videoask?prompt=login").await;
    assert_eq!(there.status, 302);
    let url = there.location().expect("it redirects");
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(value("prompt").as_deref(), Some("login"));
    assert_eq!(value("redirect_uri"), Some(format!("{}auth/videoask/callback", server.app)));
    for name in ["state", "nonce", "code_challenge"] {
        assert!(value(name).is_some_and(|value| value.len() >= 22), "{name} is long enough not to be guessed");
    }
}

#[tokio::test]
async fn a_denied_login_says_so_and_offers_another_try() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let page = browser.begin().await;
    let back = browser.decide(&page, "ada@example.com", "deny").await;
    let page = browser.follow(back).await;
    assert_eq!((page.status, page.title().as_str()), (403, "VideoAsk did not grant access"));
    assert!(page.text().contains("href=\"/auth/videoask\">Log in again"), "{}", page.text());
    assert_eq!(server.standin.counters().code_exchanges, 0);
}

#[tokio::test]
async fn a_callback_out_of_nowhere_exchanges_nothing_and_shows_nothing_of_its_query() {
    let server = TestServer::start().await;
    let page = server.browser().get("/auth/videoask/callback?state=s&code=c&error=made-up&error_description=boo").await;
    assert_eq!((page.status, page.title().as_str()), (400, "No login in progress"));
    assert!(!page.text().contains("made-up") && !page.text().contains("boo"));
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0);
}

#[tokio::test]
async fn a_callback_works_once() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let page = browser.begin().await;
    let callback = browser.approve(&page, "ada@example.com").await;
    let thief = browser.stolen();
    browser.open(callback.as_str()).await;

    let again = browser.get(callback.as_str()).await;
    assert_eq!((again.status, again.title().as_str()), (409, "You are already logged in"));
    let stolen = thief.get(callback.as_str()).await;
    assert_eq!((stolen.status, stolen.title().as_str()), (400, "This login link was already used"));
    let stranger = server.browser().get(callback.as_str()).await;
    assert_eq!((stranger.status, stranger.title().as_str()), (400, "This login link was already used"));
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 1);
}

#[tokio::test]
async fn a_login_that_took_too_long_is_refused_before_its_code_is_sent() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let page = browser.begin().await;
    let callback = browser.approve(&page, "ada@example.com").await;
    server.pass(10 * MINUTE);
    let page = browser.get(callback.as_str()).await;
    assert_eq!((page.status, page.title().as_str()), (400, "The login took too long"));
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0);
}

#[tokio::test]
async fn a_cookie_moved_to_another_state_does_not_open() {
    let server = TestServer::start().await;
    let browser = server.browser();
    browser.begin().await;
    let other = server.browser();
    let page = other.begin().await;
    let callback = other.approve(&page, "ada@example.com").await;
    let name = other.cookie_names().into_iter().find(|name| name.contains("-login-")).expect("a pending login");
    let value = browser.cookie_values().into_iter().max_by_key(String::len).expect("a pending login");
    browser.set_cookie(&name, &value);
    let page = browser.get(callback.as_str()).await;
    assert_eq!((page.status, page.title().as_str()), (400, "No login in progress"));
}

#[tokio::test]
async fn the_callbacks_issuer_is_checked_where_it_is_given() {
    let server = TestServer::start().await;
    assert_eq!(log_in_under(&server, Deviation::CallbackIssuer).await.url.path(), "/tokens");
    server.standin.reset_counters();
    let page = log_in_under(&server, Deviation::WrongCallbackIssuer).await;
    assert_eq!((page.status, page.title().as_str()), (400, "The answer came from an unexpected issuer"));
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0);
}

#[tokio::test]
async fn a_parameter_of_the_callback_without_a_value_counts_as_omitted() {
    let server = TestServer::start().await;
    for (query, status, title) in [
        ("", 400, "VideoAsk's answer is incomplete"),
        ("code=", 400, "VideoAsk's answer is incomplete"),
        ("error=&code=", 400, "VideoAsk's answer is incomplete"),
        ("error=access_denied&code=", 403, "VideoAsk did not grant access"),
    ] {
        let browser = server.browser();
        let state = browser.get("/auth/videoask").await.location().expect("it redirects");
        let state = state.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
        let page = browser.get(&format!("/auth/videoask/callback?state={state}&{query}")).await;
        assert_eq!((page.status, page.title().as_str()), (status, title), "{query}");
    }
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0);
    let browser = server.browser();
    let page = browser.begin().await;
    let callback = browser.approve(&page, "ada@example.com").await;
    assert_eq!(browser.open(&format!("{callback}&error=")).await.url.path(), "/tokens");
}

#[tokio::test]
async fn another_error_of_videoask_is_shown_escaped_and_cut() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let description = format!("<script>alert(1)</script>{}", "x".repeat(500));
    let fault = Fault::Error { status: 400, error: "unauthorized".into(), description };
    server.standin.change_faults(|faults| faults.next(Endpoint::Authorize, 1, fault));
    let page = browser.open("/auth/videoask").await;
    assert_eq!((page.status, page.title().as_str()), (502, "VideoAsk could not log you in"));
    assert!(page.text().contains("unauthorized"));
    assert!(!page.text().contains("<script>alert") && !page.text().contains(&"x".repeat(200)));
}

#[tokio::test]
async fn a_wrong_secret_names_the_variables_to_fix() {
    let server = Setup::default().var("CLIENT_SECRET", "another-secret").start().await;
    let page = server.browser().log_in("ada@example.com").await;
    assert_eq!((page.status, page.title().as_str()), (502, "VideoAsk does not accept this app's credentials"));
    assert!(page.text().contains("CLIENT_SECRET") && page.text().contains("invalid_client"));
    assert!(!page.text().contains("another-secret"));
}

#[tokio::test]
async fn a_code_that_is_too_old_is_refused_with_a_way_on() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let page = browser.begin().await;
    let callback = browser.approve(&page, "ada@example.com").await;
    server.pass(2 * MINUTE);
    let page = browser.get(callback.as_str()).await;
    assert_eq!((page.status, page.title().as_str()), (400, "VideoAsk refused the login code"));
    assert!(page.text().contains("href=\"/auth/videoask\""));
}

#[tokio::test]
async fn a_provider_in_trouble_is_told_apart_from_one_that_is_slow_or_talks_nonsense() {
    let server = Setup::default().var("EXCHANGE_TIMEOUT", "1s").start().await;
    for (fault, status, title) in [
        (Fault::Status { status: 500 }, 503, "VideoAsk is busy"),
        (Fault::TooManyRequests { reset_in: Some(90), retry_after: None }, 503, "VideoAsk is busy"),
        (Fault::Html { status: 200 }, 502, "VideoAsk's answer could not be read"),
        (Fault::HugeBody, 502, "VideoAsk's answer could not be read"),
        (Fault::Redirect, 502, "VideoAsk's answer could not be read"),
        (Fault::Cut, 504, "VideoAsk did not answer in time"),
        (Fault::ReplyLost, 504, "VideoAsk did not answer in time"),
        (Fault::Hang, 504, "VideoAsk did not answer in time"),
    ] {
        server.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, fault.clone()));
        let page = server.browser().log_in("ada@example.com").await;
        assert_eq!((page.status, page.title().as_str()), (status, title), "{fault:?}");
        let told = matches!(fault, Fault::TooManyRequests { .. });
        assert!(!told || page.header("retry-after") == Some("90"), "{fault:?}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_has_a_page() {
    let server = TestServer::start().await;
    let nowhere = Setup::default()
        .var("VIDEOASK_AUTH_URL", "http://127.0.0.1:9")
        .var("ISSUER", server.provider.as_str())
        .start()
        .await;
    // The provider's page cannot be opened, so the test follows no redirect. It only needs the login's state.
    let browser = nowhere.browser();
    let there = browser.get("/auth/videoask").await.location().expect("it redirects");
    let state = there.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let page = browser.get(&format!("/auth/videoask/callback?code=c&state={state}")).await;
    assert_eq!((page.status, page.title().as_str()), (502, "VideoAsk cannot be reached"));
}

#[tokio::test]
async fn a_refused_id_token_names_its_claim_and_shows_no_token() {
    let server = TestServer::start().await;
    for (deviation, claim) in [
        (Deviation::WrongIssuer, "iss"),
        (Deviation::WrongAudience, "aud"),
        (Deviation::WrongNonce, "nonce"),
        (Deviation::ExpiredIdToken, "exp"),
        (Deviation::BrokenSignature, "signature"),
        (Deviation::UnlistedSigningKey, "kid"),
    ] {
        let page = log_in_under(&server, deviation).await;
        assert_eq!((page.status, page.title().as_str()), (502, "The login could not be verified"), "{deviation:?}");
        assert!(page.text().contains(&format!("<dd>{claim}</dd>")), "{}", page.text());
        assert!(page.element("access-token").is_none());
        assert_eq!(server.browser().get("/tokens").await.status, 403);
    }
}

#[tokio::test]
async fn every_shape_of_a_good_answer_gives_tokens() {
    let server = TestServer::start().await;
    for deviation in [
        Deviation::OpaqueAccessToken,
        Deviation::NoIdToken,
        Deviation::NoExpiresIn,
        Deviation::ExpiresInText,
        Deviation::Hs256,
        Deviation::NewSigningKey,
        Deviation::StrictClient,
        Deviation::EmailUnverified,
    ] {
        let page = log_in_under(&server, deviation).await;
        assert_eq!((page.status, page.url.path()), (200, "/tokens"), "{deviation:?}: {}", page.text());
        assert!(page.element("access-token").is_some_and(|token| !token.is_empty()), "{deviation:?}");
        assert!(page.text().contains("ada@example.com"), "{deviation:?}");
    }
}

#[tokio::test]
async fn a_key_rotated_between_two_logins_is_fetched() {
    let server = TestServer::start().await;
    server.logged_in().await;
    server.standin.set_deviations([Deviation::NewSigningKey]);
    server.pass(2 * MINUTE);
    server.logged_in().await;
}

#[tokio::test]
async fn without_a_refresh_token_the_page_says_how_to_get_one() {
    let server = Setup::default().var("SCOPES", "openid,profile").start().await;
    let page = server.logged_in().await.get("/tokens").await;
    assert!(page.element("refresh-token").is_none());
    assert!(page.text().contains("SCOPES=openid,profile,offline_access"), "{}", page.text());
}

#[tokio::test]
async fn a_failing_me_never_hides_the_pair() {
    let server = TestServer::start().await;
    server.standin.change_faults(|faults| {
        faults.deviations.insert(Deviation::NoIdToken);
        faults.always(Endpoint::Me, Fault::Status { status: 500 });
    });
    let page = server.logged_in().await.get("/tokens").await;
    assert!(page.element("access-token").is_some() && page.text().contains("did not say who logged in"));
}

#[tokio::test]
async fn without_openid_no_nonce_is_sent_and_me_names_the_user() {
    let server = Setup::default().var("SCOPES", "offline_access").start().await;
    let page = server.logged_in().await.get("/tokens").await;
    assert!(page.text().contains("ada@example.com"));
    let query = server.standin.counters().last_authorize.expect("there was a login");
    assert!(!query.contains("nonce="));
}

#[tokio::test]
async fn pkce_can_be_switched_off_for_a_tenant_that_refuses_it() {
    let server = Setup::default().var("PKCE", "off").start().await;
    server.standin.set_deviations([Deviation::RefusePkce]);
    server.logged_in().await;
    assert!(!server.standin.counters().last_authorize.expect("there was a login").contains("code_challenge"));
}

#[tokio::test]
async fn without_pkce_a_stolen_code_does_not_work_in_the_thiefs_own_login() {
    for deviations in [vec![], vec![Deviation::NoIdToken]] {
        let server = Setup::default().var("PKCE", "off").start().await;
        server.standin.set_deviations(deviations.clone());
        let (ada, thief) = (server.browser(), server.browser());
        let code =
            |callback: &Url| callback.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
        let page = ada.begin().await;
        let stolen = code(&ada.approve(&page, "ada@example.com").await);
        let page = thief.begin().await;
        let own = thief.approve(&page, "mallory@example.com").await;
        let changed = own.as_str().replace(&code(&own), &stolen);
        let page = thief.open(&changed).await;
        assert_eq!((page.status, page.title().as_str()), (502, "The login could not be verified"), "{deviations:?}");
        assert_eq!(thief.get("/tokens").await.status, 403);
        assert_eq!(server.standin.counters().code_exchanges, 1, "the code itself was good");
    }
}

#[tokio::test]
async fn head_on_either_login_route_does_nothing() {
    let server = TestServer::start().await;
    let browser = server.browser();
    let page = browser.begin().await;
    let callback = browser.approve(&page, "ada@example.com").await;
    for url in [browser.url("/auth/videoask"), callback.clone()] {
        let answer = browser.send(Method::HEAD, &url, |request| request).await;
        assert_eq!((answer.status, answer.header("allow"), answer.header("set-cookie")), (405, Some("GET"), None));
    }
    for url in [browser.url("/auth/videoask"), callback.clone()] {
        let answer = browser.send(Method::OPTIONS, &url, |request| request).await;
        assert_eq!((answer.status, answer.header("allow"), answer.header("set-cookie")), (405, Some("GET"), None));
    }
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0);
    assert_eq!(browser.open(callback.as_str()).await.url.path(), "/tokens", "the login can still be finished");
}

#[tokio::test]
async fn another_sites_page_cannot_start_a_download() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    for format in ["env", "json"] {
        let url = browser.url(&format!("/tokens/export/{format}"));
        for (site, status) in [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403), ("", 403)]
        {
            let page = browser.send(Method::GET, &url, |request| request.header("sec-fetch-site", site)).await;
            assert_eq!(page.status, status, "{format}, {site:?}");
            assert_eq!(page.header("content-disposition").is_some(), status == 200);
        }
        assert_eq!(browser.get(url.as_str()).await.status, 200, "without the header");
    }
}

#[tokio::test]
async fn a_second_login_replaces_the_session_and_its_pair() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let first = browser.stolen();
    let page = browser.log_in("grace@example.com").await;
    assert!(page.text().contains("grace@example.com"));
    assert_eq!(first.get("/tokens").await.status, 403, "the session before the login is gone");
}

#[tokio::test]
async fn a_failed_login_leaves_the_session_before_it_alone() {
    let server = TestServer::start().await;
    let browser = server.logged_in().await;
    let page = browser.begin().await;
    let back = browser.decide(&page, "grace@example.com", "deny").await;
    assert_eq!(browser.follow(back).await.status, 403);
    assert!(browser.get("/tokens").await.text().contains("ada@example.com"));
}

#[tokio::test]
async fn a_session_that_began_under_a_clock_far_ahead_ends_when_the_clock_is_right() {
    for (ahead, status) in [(time::Duration::days(400), 403), (time::Duration::seconds(30), 200)] {
        let server = TestServer::start().await;
        server.set_wall_clock(ahead);
        let browser = server.logged_in().await;
        server.set_wall_clock(-ahead);
        assert_eq!(browser.get("/tokens").await.status, status, "{ahead}");
        server.logged_in().await;
    }
}
