//! An exchange under way.

use crate::telemetry::{ExchangeResult, Grant, Metrics, Stopwatch};

/// Counted and timed when it is dropped. One that is dropped before its end was known was given up: nobody knows what
/// came of it.
#[derive(Debug)]
pub struct Exchange {
    metrics: Metrics,
    grant: Grant,
    result: ExchangeResult,
    _stopwatch: Stopwatch,
}

impl Exchange {
    pub(super) fn begin(metrics: Metrics, grant: Grant, stopwatch: Stopwatch) -> Self {
        Self { metrics, grant, result: ExchangeResult::Unknown, _stopwatch: stopwatch }
    }

    /// This came of it.
    pub fn ended(mut self, result: ExchangeResult) {
        self.result = result;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.metrics.exchanged(self.grant, self.result);
    }
}
