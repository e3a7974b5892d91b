//! What a shutdown waits for: jobs that take a lease, until they have released it.

use std::time::Duration;

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::vault::Vault;

#[derive(Debug, Default)]
pub(crate) struct InFlight(TaskTracker);

impl InFlight {
    /// A guard for one job, or `None` once the process is shutting down. It counts first and checks then, so a shutdown
    /// that starts at this moment waits for the job or prevents it.
    pub(super) fn start(&self) -> Option<TaskTrackerToken> {
        let guard = self.0.token();
        (!self.0.is_closed()).then_some(guard)
    }
}

/// The state at the end of a shutdown's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// Every exchange is over and every token set is saved.
    Complete,
    /// So many token sets are lost with this process.
    Unsaved(usize),
    /// Every token set that was received is saved, but an exchange is still in flight.
    TimedOut,
}

impl Vault {
    /// How long a shutdown should wait at most: two exchanges and a save.
    pub(crate) fn grace(&self) -> Duration {
        self.0.settings.grace()
    }

    /// Starts no further exchange, and waits at most this long until those in flight are over, token sets are saved and
    /// leases are released.
    pub async fn drain(&self, limit: Duration) -> Drain {
        let in_flight = &self.0.in_flight.0;
        in_flight.close();
        let waited = self.0.clock.timeout(limit, in_flight.wait()).await;
        match (self.unsaved(), waited) {
            (0, Some(())) => Drain::Complete,
            (0, None) => Drain::TimedOut,
            (unsaved, _) => Drain::Unsaved(unsaved),
        }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.0.in_flight.0.is_closed()
    }

    /// How many token sets exist only in memory, because the store does not respond.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.0.cache.unsaved()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_that_races_a_shutdown_is_waited_for_or_refused_and_never_leaks() {
        for _ in 0..2_000 {
            let in_flight = InFlight::default();
            std::thread::scope(|scope| {
                let starting = scope.spawn(|| in_flight.start());
                in_flight.0.close();
                drop(starting.join().expect("a start does not panic"));
            });
            assert!(in_flight.0.is_empty(), "a count has leaked");
            assert!(in_flight.start().is_none());
            assert!(in_flight.0.is_empty(), "a refused start has leaked");
        }
    }
}
