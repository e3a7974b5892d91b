//! Clocks that are far from the right time: no connection is blocked for long, and no token is handed out with a longer
//! life than it has. The processes run under `clocks.c`.

use standin::Fault;

use crate::{
    clocks::{DAY, HOUR},
    cluster::{Backend, Cluster, STRICT, readiness},
    person::RefreshResult,
    scenarios::at_once,
    support::{Clocks, EXPIRED, Finished, until},
};

/// Further ahead than any stored or received time may be.
const FAR: i64 = 400 * DAY;

#[test]
fn a_refresh_that_failed_under_a_clock_far_ahead_is_tried_again_when_the_clock_is_right() {
    let cases = Backend::BOTH.into_iter().flat_map(|backend| failures().map(|failure| (backend, failure)));
    at_once(cases.map(|(backend, failure)| move || fail_far_ahead(backend, failure)));
}

#[test]
fn a_keeper_whose_refresh_failed_under_a_clock_far_ahead_tries_again_when_the_clock_is_right() {
    let cases = Backend::BOTH.into_iter().flat_map(|backend| failures().map(|failure| (backend, failure)));
    at_once(cases.map(|(backend, failure)| move || keep_far_ahead(backend, failure)));
}

#[test]
fn the_button_tries_after_a_failure_under_a_clock_far_ahead() {
    let cases = Backend::BOTH.into_iter().flat_map(|backend| failures().map(|failure| (backend, failure)));
    at_once(cases.map(|(backend, failure)| move || press_after_a_failure_far_ahead(backend, failure)));
}

/// A failure that blocks a connection, and a transient one.
fn failures() -> [Fault; 2] {
    let (error, description) = ("invalid_client".to_owned(), String::new());
    [Fault::Error { status: 401, error, description }, Fault::Status { status: 500 }]
}

fn assert_failed(finished: &Finished) {
    assert!(matches!(finished.code, Some(1 | 4)), "{finished:?}");
}

async fn fail_far_ahead(backend: Backend, failure: Fault) {
    let cluster = Cluster::new(backend, STRICT);
    cluster.connect().await;
    cluster.next_exchange(failure);
    assert_failed(&cluster.token_under(&Clocks::ahead(FAR)).finish());
    let right = cluster.token_under(&Clocks::ahead(EXPIRED)).finish();
    assert_eq!(right.code, Some(0), "{backend:?}: {right:?}");
    cluster.assert_exchanges(1);
}

async fn keep_far_ahead(backend: Backend, failure: Fault) {
    let cluster = Cluster::new(backend, STRICT);
    cluster.connect().await;
    cluster.next_exchange(failure);
    let clocks = Clocks::ahead(FAR);
    let server = cluster.serve_under(&clocks);
    cluster.sent(1);
    cluster.attempt_is_closed().await;
    clocks.set_wall_clock_ahead(EXPIRED);
    // Once a minute, the keeper searches for stored times that cannot be right. The request wakes the server up.
    clocks.pass(HOUR / 60);
    readiness(&server.url).await;
    until("the keeper's next exchange", || (cluster.standin().counters().refresh_exchanges > 0).then_some(()));
    assert_eq!(server.stop().code, Some(0));
    cluster.assert_exchanges(1);
}

async fn press_after_a_failure_far_ahead(backend: Backend, failure: Fault) {
    let cluster = Cluster::new(backend, STRICT);
    let server = cluster.serve();
    let person = cluster.log_in(&server).await;
    cluster.next_exchange(failure);
    assert_failed(&cluster.token_under(&Clocks::ahead(FAR)).finish());
    assert_eq!(person.press(&server.url).await, RefreshResult::Newer, "{backend:?}");
    cluster.assert_exchanges(1);
}

#[test]
fn a_clock_hours_behind_never_shows_more_life_than_a_token_has() {
    at_once(Backend::BOTH.map(|backend| move || fall_behind(backend)));
}

async fn fall_behind(backend: Backend) {
    let cluster = Cluster::new(backend, STRICT).with_api_key();
    let clocks = Clocks::right();
    let server = cluster.serve_under(&clocks);
    cluster.log_in(&server).await;
    let before = cluster.hand_out(&server).await;
    clocks.set_wall_clock_ahead(-10 * HOUR);
    // By this clock, nobody can tell how long the token works, so it is refreshed.
    let after = cluster.hand_out(&server).await;
    cluster.assert_exchanges(1);
    assert_ne!(before["access_token"], after["access_token"], "{backend:?}");
    for handed_out in [before, after] {
        assert!(handed_out["expires_in"].as_i64().is_some_and(|life| life <= DAY), "{backend:?}: {handed_out}");
    }
    // The same holds for a process that has only ever seen this wrong time.
    let later = Clocks::ahead(-20 * HOUR);
    assert_eq!(cluster.token_under(&later).finish().code, Some(0));
    cluster.assert_exchanges(2);
}
