//! The real vault over a simulated store, provider and clock: random schedules of callers, processes and faults,
//! each from a seed, checked against what "refresh exactly once" promises. `docs/vault.md` explains it.
//!
//! `SIMULATION_SEED=… cargo test --test simulation replay -- --ignored --nocapture` runs one again and tells its story.
//! `SIMULATION_SCHEDULES=…` runs so many of each weather, and `SIMULATION_SKIP=…` begins so many seeds later.

#[path = "simulation/check.rs"]
mod check;
#[path = "simulation/crowd.rs"]
mod crowd;
#[path = "simulation/fault.rs"]
mod fault;
#[path = "simulation/notifications.rs"]
mod notifications;
#[path = "simulation/process.rs"]
mod process;
#[path = "simulation/provider.rs"]
mod provider;
#[path = "simulation/random.rs"]
mod random;
#[path = "simulation/receiver.rs"]
mod receiver;
#[path = "simulation/schedule.rs"]
mod schedule;
#[path = "simulation/store.rs"]
mod store;
#[path = "simulation/world.rs"]
mod world;
#[path = "simulation/year.rs"]
mod year;

use std::{sync::Arc, time::Instant};

use secrecy::SecretString;
use videoask_auth::keys::Keyring;

use self::{
    fault::Mutation,
    schedule::{Schedule, Story, Weather},
};

fn keys() -> Arc<Keyring> {
    Arc::new(Keyring::new(&SecretString::from("the secret of every schedule here"), &[]))
}

fn run(seed: u64, weather: Weather, keys: &Arc<Keyring>, mutation: Option<Mutation>) -> Story {
    Schedule::new(seed, weather, keys, mutation, false).run()
}

/// A number from the environment, to run more schedules or others.
#[expect(clippy::disallowed_methods, reason = "the numbers come from the person who runs this")]
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().expect("a number"))
}

/// Runs schedules from the seed on, and says what the first broken one broke.
#[expect(clippy::disallowed_methods, reason = "the figure of schedules a second is of real time")]
fn all_hold(first: u64, count: u64, weather: Weather) {
    let (first, count) = (first + number("SIMULATION_SKIP", 0), number("SIMULATION_SCHEDULES", count));
    let (keys, started) = (keys(), Instant::now());
    let (mut exchanges, mut hand_outs) = (0, 0);
    for seed in first..first + count {
        let story = run(seed, weather, &keys, None);
        assert!(
            story.violations.is_empty(),
            "seed {seed} ({weather:?}): {:#?}\nreplay: SIMULATION_SEED={seed} SIMULATION_WEATHER={weather:?} \
             cargo test --test simulation replay -- --ignored --nocapture",
            story.violations
        );
        exchanges += story.exchanges;
        hand_outs += story.hand_outs;
    }
    let rate = u128::from(count) * 1000 / started.elapsed().as_millis().max(1);
    println!(
        "{count} schedules from seed {first} ({weather:?}): {rate} a second, {exchanges} exchanges, {hand_outs} tokens handed out"
    );
}

#[test]
fn no_spent_token_is_sent_where_nothing_is_lost() {
    all_hold(1, 5_000, Weather::Bearable);
}

#[test]
fn the_promises_hold_whatever_fails() {
    all_hold(1_000_000, 5_000, Weather::All);
}

/// Runs one schedule again, aloud.
#[test]
#[ignore = "needs SIMULATION_SEED, and tells its story"]
#[expect(clippy::disallowed_methods, reason = "the seed comes from the person who replays it")]
fn replay() {
    let seed = std::env::var("SIMULATION_SEED").expect("SIMULATION_SEED is given");
    let weather = match std::env::var("SIMULATION_WEATHER").as_deref() {
        Ok("Bearable") => Weather::Bearable,
        _ => Weather::All,
    };
    let seed = seed.parse().expect("SIMULATION_SEED is a number");
    let story = Schedule::new(seed, weather, &keys(), None, true).run();
    assert!(story.violations.is_empty(), "{:#?}", story.violations);
}

#[test]
fn a_seed_replayed_takes_the_very_same_steps() {
    let keys = keys();
    for seed in 2_000_000..2_000_300 {
        let story = run(seed, Weather::All, &keys, None);
        assert_eq!(story, run(seed, Weather::All, &keys, None), "seed {seed}");
    }
}

/// Runs schedules with a fault of another tool put in, and says how many it took to be caught.
fn caught_within(most: u64, mutation: Mutation, weather: Weather) {
    let keys = keys();
    let first = 5_000_000;
    let caught = (first..first + most).find_map(|seed| {
        let story = run(seed, weather, &keys, Some(mutation));
        story.violations.into_iter().next().map(|violation| (seed - first + 1, violation))
    });
    let (schedules, violation) = caught.unwrap_or_else(|| panic!("{mutation:?} was not caught in {most} schedules"));
    println!("{mutation:?}: caught by schedule {schedules} from seed {first} ({weather:?}): {violation}");
}

#[test]
fn the_faults_of_other_tools_are_caught() {
    use Mutation::{
        EveryRefusalIsDeath, ForgottenSet, HangUpKills, MissingTokenOverwrites, MonotonicBudget, NoSecondReading,
        NoWriteAhead, ShortLease, UnboundedTimes, UnfencedSave, WallClockLease,
    };
    for mutation in [
        ShortLease,
        WallClockLease,
        UnboundedTimes,
        HangUpKills,
        ForgottenSet,
        EveryRefusalIsDeath,
        MissingTokenOverwrites,
        NoSecondReading,
        UnfencedSave,
    ] {
        caught_within(100, mutation, Weather::Bearable);
    }
    caught_within(1000, NoWriteAhead, Weather::Bearable);
    caught_within(3000, MonotonicBudget, Weather::All);
}
