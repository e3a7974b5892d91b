//! How long nothing has moved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::clock::Clock;

/// A passage that nothing moves through for this long, in either direction, is over. A body may take as long as it
/// likes in all.
const SILENCE: Duration = Duration::from_secs(60);

/// When something moved last through a passage, in either direction.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    clock: Clock,
    /// Milliseconds of the monotonic clock.
    last: Arc<AtomicU64>,
}

impl Pulse {
    pub(super) fn new(clock: Clock) -> Self {
        let pulse = Self { clock, last: Arc::default() };
        pulse.beat();
        pulse
    }

    /// Something moved.
    pub(super) fn beat(&self) {
        let now = u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Completes when nothing has moved for too long.
    pub(super) async fn stopped(&self) {
        loop {
            let until = Duration::from_millis(self.last.load(Ordering::Relaxed)) + SILENCE;
            let left = until.saturating_sub(self.clock.monotonic());
            if left.is_zero() {
                return;
            }
            self.clock.sleep(left).await;
        }
    }
}
