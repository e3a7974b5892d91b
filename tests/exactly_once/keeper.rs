//! The keeper of two servers: tokens are refreshed without anybody asking, and once each time they are due.

use std::time::Duration;

use videoask_auth::clock::Clock;

use crate::{
    cluster::{Backend, Cluster, STRICT},
    scenarios::at_once,
    support::until,
};

const LIFE: Duration = Duration::from_secs(6);

#[test]
fn two_servers_refresh_a_token_once_each_time_it_is_due() {
    at_once(Backend::BOTH.map(|backend| move || keep(backend)));
}

async fn keep(backend: Backend) {
    let cluster = Cluster::before_tenant(backend, |options| {
        options.rotation = STRICT;
        options.access_ttl = LIFE;
    });
    let servers = [cluster.serve(), cluster.serve()];
    let clock = Clock::system();
    let began = clock.monotonic();
    let person = cluster.log_in(&servers[0]).await;
    until("the keepers' second exchange", || (cluster.standin().counters().refresh_exchanges >= 2).then_some(()));
    while person.look(&servers[1].url).await.generation < 3 {
        assert!(
            clock.monotonic().saturating_sub(began) < Duration::from_secs(60),
            "{backend:?}: what came is not saved"
        );
    }
    let counters = cluster.standin().counters();
    let exchanges = counters.refresh_exchanges;
    // A token is due when at least 85 % of its life are over.
    let most = clock.monotonic().saturating_sub(began).as_secs_f64() / (0.85 * LIFE.as_secs_f64());
    assert!(f64::from(u32::try_from(exchanges).unwrap()) <= most, "{backend:?}: {exchanges} of at most {most}");
    assert_eq!(counters.spent_tokens_seen, 0, "{backend:?}: {counters:?}");
}
