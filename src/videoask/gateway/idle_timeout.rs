//! How long nothing has moved.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use sync_wrapper::SyncWrapper;

use crate::clock::Clock;

/// A passage that nothing moves through for this long, in either direction, is over. A body may take as long as it
/// likes in all.
const SILENCE: Duration = Duration::from_secs(60);

/// When something moved last through a passage, in either direction.
#[derive(Clone, Debug)]
pub(crate) struct IdleTimer {
    clock: Clock,
    /// Milliseconds of the monotonic clock.
    last: Arc<AtomicU64>,
}

impl IdleTimer {
    pub(crate) fn new(clock: Clock) -> Self {
        let pulse = Self { clock, last: Arc::default() };
        pulse.beat();
        pulse
    }

    /// Something moved.
    pub(crate) fn beat(&self) {
        let now = u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Completes when nothing has moved for too long.
    pub(crate) async fn stopped(&self) {
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

/// The wait of one body for its next piece.
pub(crate) struct BodyIdleTimeout {
    pulse: IdleTimer,
    /// Only while nothing comes.
    stopped: Option<Stopped>,
}

type Stopped = SyncWrapper<Pin<Box<dyn Future<Output = ()> + Send>>>;

impl BodyIdleTimeout {
    pub(crate) fn of(pulse: IdleTimer) -> Self {
        Self { pulse, stopped: None }
    }

    /// Something came.
    pub(crate) fn ended(&mut self) {
        self.stopped = None;
        self.pulse.beat();
    }

    /// Ready when nothing has moved for too long; each time after that, too.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let pulse = &self.pulse;
        let stopped = self.stopped.get_or_insert_with(|| {
            let pulse = pulse.clone();
            SyncWrapper::new(Box::pin(async move { pulse.stopped().await }))
        });
        let polled = stopped.get_mut().as_mut().poll(cx);
        if polled.is_ready() {
            self.stopped = None;
        }
        polled
    }
}

impl fmt::Debug for BodyIdleTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Silence").field("pulse", &self.pulse).finish_non_exhaustive()
    }
}
