//! `kill -9` at random moments of a slow exchange, and what the next process then gets.
//!
//! `SEED=… cargo test --test exactly_once killed_process -- --nocapture` replays the kills of a seed.

use std::{ops::Range, time::Duration};

use standin::{Fault, Rotation};
use tokio::time::sleep;

use crate::{
    cluster::{Backend, Cluster, STRICT},
    person::RefreshResult,
    random::Random,
    scenarios::{at_once, random_from_seed},
    support::{Finished, Program},
};

const KILLS: usize = 30;
/// Not longer, because every takeover waits for a lease. Not shorter, because an exchange that times out on a busy
/// machine is sent again.
const EXCHANGE_TIMEOUT: &str = "6s";
/// How often the next process is asked at most.
const TRIES: usize = 10;
const BEYOND_LEASE_AND_WATCH: Duration = Duration::from_secs(10 * 60);
const TENANTS: [Rotation; 3] = [Rotation::Off, Rotation::On { leeway: BEYOND_LEASE_AND_WATCH }, STRICT];
/// How long the exchange is delayed, in milliseconds, before or after the tenant acts.
const SLOW: u64 = 400;
const FAULTS: [Fault; 2] = [Fault::Slow { ms: SLOW }, Fault::SlowReply { ms: SLOW }];

/// The process that is killed.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// A server, after a person pressed "Refresh now".
    Server,
    /// The command `token`, which starts when the access token has expired.
    Command,
}

#[derive(Debug)]
struct Kill {
    target: Target,
    backend: Backend,
    rotation: Rotation,
    fault: Fault,
    after: Duration,
}

/// The state after a kill, and what the next process got.
#[derive(Debug)]
struct Outcome {
    left: NewTokens,
    next: NextResult,
    spent_tokens: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewTokens {
    /// The tenant has not issued a new token set.
    NothingGiven,
    /// The tenant has issued a new token set, and it is in the store.
    Saved,
    /// The tenant has issued a new token set, and it was lost with the process.
    Lost,
}

/// What the next process gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextResult {
    Token,
    LoginNeeded,
}

#[test]
fn a_killed_process_costs_a_login_only_where_the_reply_was_lost_and_nothing_is_forgiven() {
    let mut random = random_from_seed();
    let kills: Vec<_> = (0..KILLS).map(|n| Kill::at_random(n, &mut random)).collect();
    let outcomes = at_once(kills.iter().map(|kill| move || kill.carry_out()));
    for (kill, outcome) in kills.iter().zip(&outcomes) {
        println!("{kill:?}: {outcome:?}");
        let costs_a_login = outcome.left == NewTokens::Lost && kill.rotation == STRICT;
        assert_eq!(outcome.next, if costs_a_login { NextResult::LoginNeeded } else { NextResult::Token });
        assert!(outcome.left == NewTokens::Lost || outcome.spent_tokens == 0);
    }
}

impl Target {
    /// When to kill, in milliseconds from the start: before sending, at any time, or about when the answer arrives. A
    /// command needs some time to start.
    fn moments(self) -> [Range<u64>; 3] {
        match self {
            Self::Server => [0..25, 0..SLOW + 200, SLOW..SLOW + 60],
            Self::Command => [0..300, 0..SLOW + 800, SLOW + 100..SLOW + 400],
        }
    }
}

impl Kill {
    fn at_random(n: usize, random: &mut Random) -> Self {
        let target = *random.pick(&[Target::Server, Target::Command]);
        let moments = random.pick(&target.moments()).clone();
        Self {
            target,
            backend: *random.pick(&Backend::BOTH),
            rotation: TENANTS[n % TENANTS.len()],
            fault: random.pick(&FAULTS).clone(),
            after: random.millis(moments),
        }
    }

    async fn carry_out(&self) -> Outcome {
        let cluster = Cluster::new(self.backend, self.rotation).set("EXCHANGE_TIMEOUT", EXCHANGE_TIMEOUT);
        let (left, next) = match self.target {
            Target::Server => self.kill_a_server(&cluster).await,
            Target::Command => self.kill_a_command(&cluster).await,
        };
        Outcome { left, next, spent_tokens: cluster.standin().counters().spent_tokens_seen }
    }

    async fn kill_a_server(&self, cluster: &Cluster) -> (NewTokens, NextResult) {
        let target = cluster.serve();
        let person = cluster.log_in(&target).await;
        cluster.next_exchange(self.fault.clone());
        let pressing = person.begin_to_press(&target.url);
        self.kill(target.program).await;
        pressing.await.unwrap();
        let left = left_behind(cluster).await;
        let successor = cluster.serve();
        for _ in 0..TRIES {
            match person.press(&successor.url).await {
                RefreshResult::Newer => return (left, NextResult::Token),
                RefreshResult::LoginNeeded => return (left, NextResult::LoginNeeded),
                // A busy machine may need longer for the takeover than a request waits.
                RefreshResult::Else(503) => {}
                other => panic!("{self:?}: {other:?}"),
            }
        }
        panic!("{self:?}: no process takes over")
    }

    async fn kill_a_command(&self, cluster: &Cluster) -> (NewTokens, NextResult) {
        cluster.connect_and_leave().await;
        cluster.next_exchange(self.fault.clone());
        self.kill(cluster.token()).await;
        let left = left_behind(cluster).await;
        for _ in 0..TRIES {
            match cluster.token().finish() {
                Finished { code: Some(0), .. } => return (left, NextResult::Token),
                Finished { code: Some(3), .. } => return (left, NextResult::LoginNeeded),
                Finished { code: Some(4), .. } => {}
                other => panic!("{self:?}: {other:?}"),
            }
        }
        panic!("{self:?}: no process takes over")
    }

    async fn kill(&self, mut target: Program) {
        sleep(self.after).await;
        target.signal("KILL");
        target.ended();
    }
}

async fn left_behind(cluster: &Cluster) -> NewTokens {
    // A tenant acts on every request that has arrived, even if its sender is dead.
    cluster.all_sent_is_acted_on().await;
    match (cluster.standin().counters().refresh_exchanges, cluster.stored_generation().await) {
        (0, _) => NewTokens::NothingGiven,
        (_, 1) => NewTokens::Lost,
        _ => NewTokens::Saved,
    }
}
