//! Ends a proxied request when no data moves in either direction.

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

/// A proxied request is ended when no data has moved for this long, in either direction. The time of a whole body is not
/// limited.
const SILENCE: Duration = Duration::from_secs(60);

/// When data of a proxied request moved last, in either direction.
#[derive(Clone, Debug)]
pub(crate) struct IdleTimer {
    clock: Clock,
    /// Milliseconds of the monotonic clock.
    last: Arc<AtomicU64>,
}

impl IdleTimer {
    pub(crate) fn new(clock: Clock) -> Self {
        let idle_timer = Self { clock, last: Arc::default() };
        idle_timer.touch();
        idle_timer
    }

    /// Data moved.
    pub(crate) fn touch(&self) {
        let now = u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// Completes when no data has moved for too long.
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
    idle_timer: IdleTimer,
    /// Set while no data arrives.
    stopped: Option<Stopped>,
}

type Stopped = SyncWrapper<Pin<Box<dyn Future<Output = ()> + Send>>>;

impl BodyIdleTimeout {
    pub(crate) fn of(idle_timer: IdleTimer) -> Self {
        Self { idle_timer, stopped: None }
    }

    /// Starts again, because data has moved.
    pub(crate) fn ended(&mut self) {
        self.stopped = None;
        self.idle_timer.touch();
    }

    /// Ready when no data has moved for too long, and from then on.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle_timer = &self.idle_timer;
        let stopped = self.stopped.get_or_insert_with(|| {
            let idle_timer = idle_timer.clone();
            SyncWrapper::new(Box::pin(async move { idle_timer.stopped().await }))
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
        f.debug_struct("BodyIdleTimeout").field("idle_timer", &self.idle_timer).finish_non_exhaustive()
    }
}
