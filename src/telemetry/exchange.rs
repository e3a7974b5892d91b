//! An exchange in progress.

use prometheus_client::metrics::counter::Counter;

use crate::telemetry::{ExchangeResult, Grant, Stopwatch, family::Family};

/// Counted by grant and result.
pub(super) type Exchanges = Family<(Grant, ExchangeResult), Counter>;

/// Counted and timed when it is dropped. If its caller gives up before the end, the result is unknown, and counts as
/// [`ExchangeResult::Unknown`].
#[derive(Debug)]
pub(crate) struct Exchange {
    exchanges: Exchanges,
    grant: Grant,
    result: ExchangeResult,
    _stopwatch: Stopwatch,
}

impl Exchange {
    pub(super) fn begin(exchanges: Exchanges, grant: Grant, stopwatch: Stopwatch) -> Self {
        Self { exchanges, grant, result: ExchangeResult::Unknown, _stopwatch: stopwatch }
    }

    pub(crate) fn ended(mut self, result: ExchangeResult) {
        self.result = result;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.exchanges.of((self.grant, self.result)).inc();
    }
}
