//! What a shutdown waits for: work under a lease, from before it is taken to after it is released.

use std::time::Duration;

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::vault::Vault;

/// Counts the work that is in flight.
#[derive(Debug, Default)]
pub(crate) struct InFlight(TaskTracker);

impl InFlight {
    /// A guard for one piece of work; nothing once the process is on its way out. It counts first and looks then, so
    /// a shutdown that starts at this moment waits for the work or prevents it.
    pub(crate) fn start(&self) -> Option<TaskTrackerToken> {
        let guard = self.0.token();
        (!self.0.is_closed()).then_some(guard)
    }
}

/// What a shutdown found when it stopped waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// Every exchange has ended and every set is saved.
    Complete,
    /// So many sets are lost with this process.
    Unsaved(usize),
    /// Every set that arrived is saved, but an exchange has not ended.
    TimedOut,
}

impl Vault {
    /// How long a shutdown should wait at most: two exchanges and their saving.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.0.settings.grace()
    }

    /// Begins no more exchanges, and waits at most this long for those that were sent, for sets to be saved and for
    /// leases to be released.
    pub async fn drain(&self, at_most: Duration) -> Drain {
        let in_flight = &self.0.in_flight.0;
        in_flight.close();
        let waited = self.0.clock.timeout(at_most, in_flight.wait()).await;
        match (self.unsaved(), waited) {
            (0, Some(())) => Drain::Complete,
            (0, None) => Drain::TimedOut,
            (unsaved, _) => Drain::Unsaved(unsaved),
        }
    }

    /// Whether the process is on its way out.
    pub(crate) fn is_closing(&self) -> bool {
        self.0.in_flight.0.is_closed()
    }

    /// How many sets are in memory alone, because the store could not be told yet.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.0.memory.unsaved()
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
