//! The write jobs in flight, and how a shutdown waits for them.

use std::time::Duration;

use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use crate::vault::Vault;

#[derive(Debug, Default)]
pub(crate) struct InFlight(TaskTracker);

impl InFlight {
    /// A guard for one job, or `None` once the process is shutting down. The job is counted first and the check comes
    /// after that, so a shutdown that starts in between either waits for the job or prevents it.
    pub(super) fn start(&self) -> Option<TaskTrackerToken> {
        let guard = self.0.token();
        (!self.0.is_closed()).then_some(guard)
    }
}

/// The result of [`Vault::drain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// Every job has finished and every token set is saved.
    Complete,
    /// This many token sets could not be saved. They are lost when the process exits.
    Unsaved(usize),
    /// Every token set that was received is saved, but a job is still in flight.
    TimedOut,
}

impl Vault {
    /// The longest time that a shutdown should wait: two exchanges and a save.
    pub(crate) fn grace(&self) -> Duration {
        self.0.settings.grace()
    }

    /// Starts no further write job, and waits for those in flight until `limit` has passed. A job has finished once its
    /// token set is saved and its lease is released.
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

    /// How many token sets exist only in memory because the store does not respond.
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
