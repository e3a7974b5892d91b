//! Scenarios that are played at once, and chance.

use std::{
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

/// Chance from a seed that differs from run to run, and is printed.
pub fn chance() -> Random {
    let seed = RandomState::new().hash_one("seed");
    println!("seed {seed}");
    Random::new(seed)
}
