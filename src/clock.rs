//! The only reader of the clock. Everything that depends on time takes a [`Clock`], so tests turn it by hand.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use time::OffsetDateTime;
use tokio::sync::watch;

/// Wall-clock and monotonic time from one source, cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    epoch: OffsetDateTime,
    elapsed: watch::Sender<Duration>,
}

/// The hand that turns a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct Hand(Arc<Manual>);

impl Clock {
    /// The machine's own clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is the one reader of the clock")]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// A clock that stands at `epoch` until its [`Hand`] turns it.
    #[must_use]
    pub fn manual(epoch: OffsetDateTime) -> (Self, Hand) {
        let manual = Arc::new(Manual { epoch, elapsed: watch::Sender::new(Duration::ZERO) });
        (Self(Source::Manual(Arc::clone(&manual))), Hand(manual))
    }

    /// The wall-clock time, in UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is the one reader of the clock")]
    pub fn now(&self) -> OffsetDateTime {
        match &self.0 {
            Source::System { .. } => OffsetDateTime::now_utc(),
            Source::Manual(manual) => manual.epoch + *manual.elapsed.borrow(),
        }
    }

    /// Time since an arbitrary start, which a change of the wall clock does not move.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(manual) => *manual.elapsed.borrow(),
        }
    }

    /// Waits until `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System { .. } => tokio::time::sleep(duration).await,
            Source::Manual(manual) => {
                let until = *manual.elapsed.borrow() + duration;
                let mut elapsed = manual.elapsed.subscribe();
                // The sender lives in `manual`, which this future borrows: it cannot close.
                let _ = elapsed.wait_for(|elapsed| *elapsed >= until).await;
            }
        }
    }
}

impl Hand {
    /// Turns the clock forward and wakes whoever slept until then.
    pub fn advance(&self, by: Duration) {
        self.0.elapsed.send_modify(|elapsed| *elapsed += by);
    }
}
