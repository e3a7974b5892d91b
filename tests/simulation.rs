//! The real vault over a simulated store, provider and clock: random schedules of callers, processes and faults,
//! each from a seed, checked against what "refresh exactly once" promises. `docs/vault.md` explains it.
//!
//! `SIMULATION_SEED=… cargo test --test simulation replay -- --ignored --nocapture` runs one again and prints its steps.
//! `SIMULATION_SCHEDULES=…` sets the number of schedules of each fault set, and `SIMULATION_SKIP=…` skips so many seeds.

#[path = "simulation/check.rs"]
mod check;
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
#[path = "simulation/rows.rs"]
mod rows;
#[path = "simulation/schedule.rs"]
mod schedule;
#[path = "simulation/single_vault.rs"]
mod single_vault;
#[path = "simulation/state.rs"]
mod state;
#[path = "simulation/store.rs"]
mod store;
#[path = "simulation/year.rs"]
mod year;

use std::{sync::Arc, time::Instant};

use secrecy::SecretString;
use videoask_auth::keys::Keyring;

use self::{
    fault::Mutation,
    schedule::{FaultSet, Schedule, ScheduleResult},
};

fn keys() -> Arc<Keyring> {
    Arc::new(Keyring::new(&SecretString::from("the secret of every schedule here"), &[]))
}

fn run(seed: u64, fault_set: FaultSet, keys: &Arc<Keyring>, mutation: Option<Mutation>) -> ScheduleResult {
    Schedule::new(seed, fault_set, keys, mutation, false).run()
}

/// A number from the environment, to run more schedules or others.
#[expect(clippy::disallowed_methods, reason = "the numbers come from the person who runs this")]
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().expect("a number"))
}

/// Runs schedules from this seed on, and panics with the violations of the first that fails.
#[expect(clippy::disallowed_methods, reason = "it measures schedules per second of real time")]
fn all_hold(first: u64, count: u64, fault_set: FaultSet) {
    let (first, count) = (first + number("SIMULATION_SKIP", 0), number("SIMULATION_SCHEDULES", count));
    let (keys, started) = (keys(), Instant::now());
    let (mut exchanges, mut hand_outs) = (0, 0);
    for seed in first..first + count {
        let result = run(seed, fault_set, &keys, None);
        assert!(
            result.violations.is_empty(),
            "seed {seed} ({fault_set:?}): {:#?}\nreplay: SIMULATION_SEED={seed} SIMULATION_FAULTS={fault_set:?} \
             cargo test --test simulation replay -- --ignored --nocapture",
            result.violations
        );
        exchanges += result.exchanges;
        hand_outs += result.hand_outs;
    }
    let rate = u128::from(count) * 1000 / started.elapsed().as_millis().max(1);
    println!(
        "{count} schedules from seed {first} ({fault_set:?}): {rate} a second, {exchanges} exchanges, {hand_outs} tokens handed out"
    );
}

#[test]
fn no_spent_token_is_sent_under_bearable_faults() {
    all_hold(1, 5_000, FaultSet::Bearable);
}

#[test]
fn the_promises_hold_under_all_faults() {
    all_hold(1_000_000, 5_000, FaultSet::All);
}

/// Runs one schedule again, and prints its steps.
#[test]
#[ignore = "needs SIMULATION_SEED, and prints all its steps"]
#[expect(clippy::disallowed_methods, reason = "the seed comes from the person who replays it")]
fn replay() {
    let seed = std::env::var("SIMULATION_SEED").expect("SIMULATION_SEED is given");
    let fault_set = match std::env::var("SIMULATION_FAULTS").as_deref() {
        Ok("Bearable") => FaultSet::Bearable,
        _ => FaultSet::All,
    };
    let seed = seed.parse().expect("SIMULATION_SEED is a number");
    let result = Schedule::new(seed, fault_set, &keys(), None, true).run();
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
}

#[test]
fn a_replayed_seed_takes_the_same_steps() {
    let keys = keys();
    for seed in 2_000_000..2_000_300 {
        let result = run(seed, FaultSet::All, &keys, None);
        assert_eq!(result, run(seed, FaultSet::All, &keys, None), "seed {seed}");
    }
}

/// Runs schedules with an injected bug, and prints how many it took to be caught.
fn caught_within(most: u64, mutation: Mutation, fault_set: FaultSet) {
    let keys = keys();
    let first = 5_000_000;
    let caught = (first..first + most).find_map(|seed| {
        let result = run(seed, fault_set, &keys, Some(mutation));
        result.violations.into_iter().next().map(|violation| (seed - first + 1, violation))
    });
    let (schedules, violation) = caught.unwrap_or_else(|| panic!("{mutation:?} was not caught in {most} schedules"));
    println!("{mutation:?}: caught by schedule {schedules} from seed {first} ({fault_set:?}): {violation}");
}

#[test]
fn injected_bugs_are_caught() {
    use Mutation::{
        DisconnectCancels, EveryRefusalIsDead, ForgottenSet, MissingTokenOverwrites, MonotonicBudget, NoSecondReading,
        NoWriteAhead, ShortLease, UnboundedTimes, UnfencedSave, WallClockLease,
    };
    for mutation in [
        ShortLease,
        WallClockLease,
        UnboundedTimes,
        DisconnectCancels,
        ForgottenSet,
        EveryRefusalIsDead,
        MissingTokenOverwrites,
        NoSecondReading,
        UnfencedSave,
    ] {
        caught_within(100, mutation, FaultSet::Bearable);
    }
    caught_within(1000, NoWriteAhead, FaultSet::Bearable);
    caught_within(3000, MonotonicBudget, FaultSet::All);
}
