//! Scenarios that run in parallel, and random values that can be replayed.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    panic::resume_unwind,
    thread,
};

use tokio::runtime::Builder;

use crate::random::Random;

/// Runs each scenario on its own thread and runtime, because each one blocks while it waits for processes.
pub fn at_once<S, F>(scenarios: impl IntoIterator<Item = S>) -> Vec<F::Output>
where
    S: FnOnce() -> F + Send,
    F: Future<Output: Send>,
{
    thread::scope(|scope| {
        let playing: Vec<_> = scenarios.into_iter().map(|scenario| scope.spawn(|| play(scenario()))).collect();
        playing.into_iter().map(|playing| playing.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Runs a scenario. The tasks it spawns run on another thread, so the scenario itself may block.
fn play<T>(scenario: impl Future<Output = T>) -> T {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(scenario)
}

/// Random values from the `SEED` in the environment, or from a new seed in each run. Prints the seed.
#[expect(clippy::disallowed_methods, reason = "the seed comes from the person who replays it")]
pub fn random_from_seed() -> Random {
    let seed = match env::var("SEED") {
        Ok(seed) => seed.parse().expect("SEED is a number"),
        Err(_) => RandomState::new().hash_one("seed"),
    };
    println!("replay: SEED={seed}");
    Random::new(seed)
}
