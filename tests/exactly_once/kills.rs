//! `kill -9` at random moments of a slow exchange, and what the next process makes of what is left.

use std::time::Duration;

use tokio::time::sleep;
use videoask_auth::standin::{Endpoint, Mishap, Rotation};

use crate::{
    fleet::{Backend, Fleet, STRICT},
    person::Pressed,
    random::Random,
    scenarios::{at_once, chance},
    support::until,
};

const MOMENTS: usize = 30;
/// With EXCHANGE_TIMEOUT=1s the lease is 12 s and the watch 5 s.
const BEYOND_LEASE_AND_WATCH: Duration = Duration::from_secs(60);
const TENANTS: [Rotation; 3] = [Rotation::Off, Rotation::On { leeway: BEYOND_LEASE_AND_WATCH }, STRICT];
/// How slow the exchange is, before or after the tenant acts.
const SLOW: u64 = 400;
/// Writing ahead, the exchange and saving are over after about this long.
const OVER: u64 = 600;

#[derive(Clone, Debug)]
struct Kill {
    backend: Backend,
    rotation: Rotation,
    mishap: Mishap,
    after: Duration,
}

impl Kill {
    fn at_random(n: usize, random: &mut Random) -> Self {
        Self {
            backend: *random.pick(&Backend::BOTH),
            rotation: TENANTS[n % TENANTS.len()],
            mishap: random.pick(&[Mishap::Slow { ms: SLOW }, Mishap::SlowReply { ms: SLOW }]).clone(),
            after: random.millis(0..OVER),
        }
    }
}

/// What a kill left, and what came of it.
#[derive(Debug)]
struct Outcome {
    granted: bool,
    saved: bool,
    next: Pressed,
    spent_tokens: u64,
}

#[test]
fn a_killed_process_costs_a_login_only_where_the_reply_was_lost_and_nothing_is_forgiven() {
    let mut random = chance();
    let kills: Vec<_> = (0..MOMENTS).map(|n| Kill::at_random(n, &mut random)).collect();
    let outcomes = at_once(kills.iter().map(|kill| move || carry_out(kill)));
    for (kill, outcome) in kills.iter().zip(&outcomes) {
        let lost = outcome.granted && !outcome.saved;
        let expected = if lost && kill.rotation == STRICT { Pressed::LoginNeeded } else { Pressed::Newer };
        assert_eq!(outcome.next, expected, "{kill:?}: {outcome:?}");
        assert!(lost || outcome.spent_tokens == 0, "{kill:?}: {outcome:?}");
    }
    let count = |of: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| of(outcome)).count();
    println!(
        "nothing sent {}, saved {}, lost {}",
        count(|o| !o.granted),
        count(|o| o.saved),
        count(|o| o.granted && !o.saved)
    );
}

async fn carry_out(kill: &Kill) -> Outcome {
    let fleet = Fleet::new(kill.backend, kill.rotation).set("EXCHANGE_TIMEOUT", "1s");
    let mut victim = fleet.serve();
    let person = fleet.log_in(&victim).await;
    fleet.next_exchange(kill.mishap.clone());
    let pressing = tokio::spawn({
        let (person, url) = (person.clone(), victim.url.clone());
        async move { person.press(&url).await }
    });
    sleep(kill.after).await;
    victim.program.signal("KILL");
    victim.program.ended();
    // It has an answer, or panicked because there is none.
    let _ = pressing.await;
    // A tenant acts on what has arrived, whoever has gone since.
    until("the tenant's end of it", || {
        let counters = fleet.standin().counters();
        (counters.refresh_exchanges == counters.requests_to(Endpoint::Token)).then_some(())
    });
    let granted = fleet.standin().counters().refresh_exchanges > 0;
    let saved = fleet.stored_generation().await > 1;
    let heir = fleet.serve();
    let next = person.press(&heir.url).await;
    Outcome { granted, saved, next, spent_tokens: fleet.standin().counters().spent_tokens_seen }
}
