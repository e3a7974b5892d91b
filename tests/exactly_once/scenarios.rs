//! Scenarios that are played at once, and random values that can be replayed.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    panic::resume_unwind,
    thread,
};

use tokio::runtime::Builder;

use crate::random::Random;

/// Plays each on a thread and a runtime of its own, since each waits for processes.
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

/// What a scenario spawns runs on a thread beside it, so that the scenario itself may block.
fn play<T>(scenario: impl Future<Output = T>) -> T {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(scenario)
}

/// Random values from the seed in the environment, else from one that differs from run to run. It is printed.
#[expect(clippy::disallowed_methods, reason = "the seed comes from the person who replays it")]
pub fn random_from_seed() -> Random {
    let seed = match env::var("SEED") {
        Ok(seed) => seed.parse().expect("SEED is a number"),
        Err(_) => RandomState::new().hash_one("seed"),
    };
    println!("replay: SEED={seed}");
    Random::new(seed)
}
