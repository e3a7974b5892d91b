//! How long something takes.

use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;

use crate::clock::Clock;

/// Runs until it is dropped, and then adds the time to its figure. So what was given up half-way is timed too: a server
/// that does not answer at all would otherwise be the fastest.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    clock: Clock,
    began: Duration,
    figure: Histogram,
}

impl Stopwatch {
    pub(super) fn start(figure: &Histogram, clock: &Clock) -> Self {
        Self { clock: clock.clone(), began: clock.monotonic(), figure: figure.clone() }
    }

    /// Runs for as long as this does.
    pub(crate) async fn time<T>(self, what: impl Future<Output = T>) -> T {
        what.await
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        self.figure.observe(self.clock.monotonic().saturating_sub(self.began).as_secs_f64());
    }
}
