//! The only reader of the clock. Everything that depends on time takes a [`Clock`], so tests turn it by hand.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use time::OffsetDateTime;

/// Wall-clock and monotonic time from one source, cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Instant },
    Manual { epoch: OffsetDateTime, hand: Hand },
}

/// The hand that turns a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct Hand(Arc<Mutex<Turned>>);

#[derive(Debug)]
struct Turned {
    elapsed: Duration,
    sleepers: BTreeMap<Ticket, Waker>,
    tickets: u64,
}

/// Until when somebody sleeps, and a number that tells apart those who sleep until the same moment.
type Ticket = (Duration, u64);

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
        let turned = Turned { elapsed: Duration::ZERO, sleepers: BTreeMap::new(), tickets: 0 };
        let hand = Hand(Arc::new(Mutex::new(turned)));
        (hand.clock(epoch), hand)
    }

    /// The wall-clock time, in UTC.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is the one reader of the clock")]
    pub fn now(&self) -> OffsetDateTime {
        match &self.0 {
            Source::System { .. } => OffsetDateTime::now_utc(),
            Source::Manual { epoch, hand } => *epoch + hand.elapsed(),
        }
    }

    /// Time since an arbitrary start, which a change of the wall clock does not move.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual { hand, .. } => hand.elapsed(),
        }
    }

    /// Waits until `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System { .. } => tokio::time::sleep(duration).await,
            Source::Manual { hand, .. } => hand.sleep(duration).await,
        }
    }

    /// What `future` gives, or nothing once `limit` has passed. A result that is there counts, however late it is
    /// looked at: a process that stood still does not throw away what it was waiting for.
    pub async fn timeout<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            result = future => Some(result),
            () = self.sleep(limit) => None,
        }
    }
}

impl Hand {
    /// Another clock that this hand turns, showing another wall-clock time: that of a second machine.
    #[must_use]
    pub fn clock(&self, epoch: OffsetDateTime) -> Clock {
        Clock(Source::Manual { epoch, hand: self.clone() })
    }

    /// Turns the clock forward and wakes whoever slept until then.
    pub fn advance(&self, by: Duration) {
        let due = {
            let mut turned = self.turned();
            turned.elapsed += by;
            let now = turned.elapsed;
            let later = turned.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut turned.sleepers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// How long until the next sleeper wants to wake, if anybody sleeps.
    #[must_use]
    pub fn next_sleeper(&self) -> Option<Duration> {
        let turned = self.turned();
        turned.sleepers.keys().next().map(|(until, _)| until.saturating_sub(turned.elapsed))
    }

    fn elapsed(&self) -> Duration {
        self.turned().elapsed
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut turned = self.turned();
        turned.tickets += 1;
        Sleep { ticket: (turned.elapsed + duration, turned.tickets), hand: self.clone() }
    }

    fn turned(&self) -> MutexGuard<'_, Turned> {
        // Nothing panics while it is held, so a poisoned lock still guards whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who sleeps by a manual clock.
struct Sleep {
    ticket: Ticket,
    hand: Hand,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut turned = self.hand.turned();
        if turned.elapsed >= self.ticket.0 {
            return Poll::Ready(());
        }
        turned.sleepers.insert(self.ticket, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.hand.turned().sleepers.remove(&self.ticket);
    }
}
