//! VideoAsk's API refuses an access token that should be valid.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use standin::{Deviation, Endpoint, Fault};

use crate::support::{TestServer, api_client::keep_mode};

const MIB: usize = 1 << 20;
/// Each caller needs four sockets in this process. With hundreds of them, a busy machine may need longer than the 3 s
/// after which a connection attempt times out.
const AT_ONCE: usize = 20;

#[tokio::test]
async fn one_401_is_one_forced_refresh_and_one_retry_with_the_same_body() {
    let server = TestServer::with_ada_connected().await;
    let token = server.api_client().token().await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Echo, 1, Fault::Unauthorized));
    let answer =
        server.api_client().echo(Method::POST, |request| request.header("x-custom", "stays").body("all of it")).await;
    let seen = answer.seen();
    assert_eq!((seen.0["method"].as_str(), seen.0["body"]["text"].as_str()), (Some("POST"), Some("all of it")));
    assert_eq!(seen.header("x-custom"), ["stays"]);
    assert_ne!(seen.header("authorization"), [format!("Bearer {token}")]);
    let counters = server.standin.counters();
    assert_eq!((counters.requests_to(Endpoint::Echo), counters.refresh_exchanges), (2, 1));
}

#[tokio::test]
async fn a_body_of_a_mebibyte_is_sent_again_and_a_longer_one_is_not() {
    let server = TestServer::with_ada_connected().await;
    for (length, status, tries) in [(MIB, 200, 2), (MIB + 1, 401, 1)] {
        server.standin.reset_counters();
        server.pass(Duration::from_secs(20 * 60));
        // The API refuses the token after it has read the whole body.
        let token = server.api_client().token().await;
        server.standin.refuse_access_token(token);
        let answer = server.api_client().echo(Method::PUT, |request| request.body(vec![b'x'; length])).await;
        assert_eq!(answer.status, status, "{length}: {}", answer.text());
        if status == 200 {
            assert_eq!(answer.json()["body"]["length"], length);
        }
        let counters = server.standin.counters();
        assert_eq!((counters.requests_to(Endpoint::Echo), counters.refresh_exchanges), (tries, tries - 1), "{length}");
    }
}

#[tokio::test]
async fn requests_that_are_always_refused_cost_one_exchange() {
    let server = TestServer::with_ada_connected().await;
    server.standin.set_deviations([Deviation::RefuseAccessTokens]);
    let machine = server.api_client();
    for _ in 0..10 {
        let answers = join_all((0..AT_ONCE).map(|_| machine.get("/proxy/forms"))).await;
        for answer in answers {
            assert_eq!((answer.status, answer.text().as_str()), (401, r#"{"detail":"Token has expired."}"#));
        }
    }
    assert_eq!(server.standin.counters().refresh_exchanges, 1);
    let sent = server.standin.counters().requests_to(Endpoint::Forms);
    assert!(sent < 20 * AT_ONCE as u64, "few had the token before the refresh: {sent}");
    server.pass(Duration::from_secs(10 * 60));
    machine.get("/proxy/forms").await;
    assert_eq!(server.standin.counters().refresh_exchanges, 2, "once more after ten minutes");
    server.pass(Duration::from_secs(19 * 60));
    machine.get("/proxy/forms").await;
    assert_eq!(server.standin.counters().refresh_exchanges, 2, "and then not before twenty");
}

#[tokio::test]
async fn a_refusal_that_no_refresh_can_fix_is_passed_on() {
    let server = TestServer::with_ada_connected().await;
    server.standin.end_grants_of("ada@example.com");
    server.standin.change_faults(|faults| faults.always(Endpoint::Forms, Fault::Unauthorized));
    for _ in 0..2 {
        let answer = server.api_client().get("/proxy/forms").await;
        assert_eq!((answer.status, answer.text().as_str()), (401, r#"{"detail":"Token has expired."}"#));
    }
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 1);
}

#[tokio::test]
async fn many_requests_at_the_moment_of_expiry_cost_one_exchange_and_all_succeed() {
    let server = TestServer::with_ada_connected().await;
    server.pass(Duration::from_secs(24 * 60 * 60));
    server.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::SlowReply { ms: 50 }));
    let machine = server.api_client();
    let answers = join_all((0..AT_ONCE).map(|_| machine.get("/proxy/forms?limit=1"))).await;
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 1);
    assert_eq!(server.standin.counters().api_answers, [(200, AT_ONCE as u64)].into());
}

#[tokio::test]
async fn try_it_forces_a_refresh_in_keep_mode_and_leaves_it_to_the_person_in_mint_mode() {
    for (server, refreshes) in [(TestServer::with_ada_connected().await, 1), (TestServer::start().await, 0)] {
        let browser = server.logged_in().await;
        server.standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::Unauthorized));
        let page = browser.get("/tokens/forms").await;
        match refreshes {
            0 => assert_eq!(page.title(), "VideoAsk's API refused the access token"),
            _ => assert_eq!((page.status, page.title().as_str()), (200, "Try it: list my forms")),
        }
        assert_eq!(server.standin.counters().refresh_exchanges, refreshes);
    }
}

#[tokio::test]
async fn a_caller_waits_half_a_minute_in_all_for_the_first_token_and_the_second() {
    let server = keep_mode().var("EXCHANGE_TIMEOUT", "60s").start().await;
    server.logged_in().await;
    server.standin.reset_counters();
    server.standin.change_faults(|faults| {
        faults.next(Endpoint::Token, 1, Fault::HeldReply);
        faults.next(Endpoint::Token, 1, Fault::Hang);
        faults.next(Endpoint::Echo, 1, Fault::Unauthorized);
    });
    // This ends no timer, so the caller starts the first refresh, and not the keeper.
    server.set_wall_clock(time::Duration::hours(25));
    let machine = server.api_client();
    let asking = tokio::spawn(async move { machine.echo(Method::GET, |request| request).await });
    for (exchanges, seconds) in [(1, 20), (2, 11)] {
        while server.standin.counters().requests_to(Endpoint::Token) < exchanges {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.pass(Duration::from_secs(seconds));
        server.standin.release_replies();
    }
    asking.await.expect("it does not panic").is_problem(503, "provider-unavailable");
    // If the second exchange had timed out, it would have been sent again.
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 2, "the second exchange still hangs");
}
