//! How long something takes.

use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;

use crate::clock::Clock;

/// Adds the time until it is dropped to its metric. So a request that was given up is timed too: otherwise, a server that
/// does not respond at all would look like the fastest one.
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
