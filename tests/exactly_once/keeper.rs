//! The keeper of two servers: tokens are refreshed without anybody asking, and once each time they are due.

use std::time::Duration;

use videoask_auth::clock::Clock;

use crate::{
    fleet::{Backend, Fleet, STRICT},
    scenarios::at_once,
    support::until,
};

const LIFE: Duration = Duration::from_secs(6);

#[test]
fn two_servers_refresh_a_token_once_each_time_it_is_due() {
    at_once(Backend::BOTH.map(|backend| move || keep(backend)));
}

#[test]
fn a_token_of_any_life_over_20_seconds_is_refreshed_before_it_expires() {
    let lives = [25, 60].map(Duration::from_secs);
    let cases = Backend::BOTH.into_iter().flat_map(|backend| lives.map(|life| (backend, life)));
    at_once(cases.map(|(backend, life)| move || keep_in_time(backend, life)));
}

async fn keep_in_time(backend: Backend, life: Duration) {
    let fleet = Fleet::before_tenant(backend, |options| {
        options.rotation = STRICT;
        options.access_ttl = life;
    });
    let server = fleet.serve();
    fleet.log_in(&server).await;
    // By the tenant's measure each token was issued before this.
    let clock = Clock::system();
    for exchanges in 1..=2 {
        let issued = clock.monotonic();
        until("the keeper's exchange", || (fleet.standin().counters().refresh_exchanges >= exchanges).then_some(()));
        let waited = clock.monotonic().saturating_sub(issued);
        assert!(waited < life, "{backend:?}: a token of {life:?} was refreshed after {waited:?}");
    }
    assert_eq!(server.stop().code, Some(0));
}

async fn keep(backend: Backend) {
    let fleet = Fleet::before_tenant(backend, |options| {
        options.rotation = STRICT;
        options.access_ttl = LIFE;
    });
    let servers = [fleet.serve(), fleet.serve()];
    let clock = Clock::system();
    let began = clock.monotonic();
    let person = fleet.log_in(&servers[0]).await;
    until("the keepers' second exchange", || (fleet.standin().counters().refresh_exchanges >= 2).then_some(()));
    while person.look(&servers[1].url).await.generation < 3 {
        assert!(
            clock.monotonic().saturating_sub(began) < Duration::from_secs(60),
            "{backend:?}: what came is not saved"
        );
    }
    let counters = fleet.standin().counters();
    let exchanges = counters.refresh_exchanges;
    // A token is due when at least 85 % of its life are over.
    let most = clock.monotonic().saturating_sub(began).as_secs_f64() / (0.85 * LIFE.as_secs_f64());
    assert!(f64::from(u32::try_from(exchanges).unwrap()) <= most, "{backend:?}: {exchanges} of at most {most}");
    assert_eq!(counters.spent_tokens_seen, 0, "{backend:?}: {counters:?}");
}
