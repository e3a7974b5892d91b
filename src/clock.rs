//! The only reader of the system's clocks. Everything that depends on time takes a [`Clock`], which tests can control.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use time::OffsetDateTime;

/// Wall-clock, boot-time and monotonic time from one source, cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { started: Started },
    Manual { epoch: OffsetDateTime, hand: ClockControl },
}

/// When a system clock was created.
#[derive(Clone, Copy, Debug)]
struct Started {
    monotonic: Instant,
    boot_time: BootTime,
}

/// Controls a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct ClockControl(Arc<Mutex<Turned>>);

#[derive(Debug)]
struct Turned {
    /// The sum of all steps of the wall clock.
    stepped: time::Duration,
    boot_time: Duration,
    /// Timers run by this one.
    monotonic: Duration,
    sleepers: BTreeMap<Ticket, Waker>,
    tickets: u64,
}

/// The end of a sleep, and a number that distinguishes sleeps with the same end.
type Ticket = (Duration, u64);

impl Clock {
    /// The machine's own clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is the one reader of the clock")]
    pub fn system() -> Self {
        Self(Source::System { started: Started { monotonic: Instant::now(), boot_time: BootTime::now() } })
    }

    /// A clock that stays at `epoch` until its [`ClockControl`] advances it.
    #[must_use]
    pub fn manual(epoch: OffsetDateTime) -> (Self, ClockControl) {
        let turned = Turned {
            stepped: time::Duration::ZERO,
            boot_time: Duration::ZERO,
            monotonic: Duration::ZERO,
            sleepers: BTreeMap::new(),
            tickets: 0,
        };
        let hand = ClockControl(Arc::new(Mutex::new(turned)));
        (hand.clock(epoch), hand)
    }

    /// The wall-clock time, in UTC. It can be wrong and it can jump, so it is for dates that are shown and for the
    /// expiry of tokens, and no decision about sending depends on it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is the one reader of the clock")]
    pub fn now(&self) -> OffsetDateTime {
        match &self.0 {
            Source::System { .. } => OffsetDateTime::now_utc(),
            Source::Manual { epoch, hand } => {
                let turned = hand.turned();
                *epoch + turned.boot_time + turned.stepped
            }
        }
    }

    /// Time since an arbitrary start, which counts the time that the machine was suspended and which no change of
    /// the wall clock moves (CLOCK_BOOTTIME). Other systems than Linux fall back to their monotonic clock.
    pub(crate) fn boot_time(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.boot_time.elapsed(),
            Source::Manual { hand, .. } => hand.turned().boot_time,
        }
    }

    /// Time since an arbitrary start, which stops while the machine is suspended, as timers do. It measures what this
    /// process did. `Clock::boot_time` measures how long others had time to act.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.monotonic.elapsed(),
            Source::Manual { hand, .. } => hand.turned().monotonic,
        }
    }

    /// Waits until `duration` has passed on this clock.
    pub(crate) async fn sleep(&self, duration: Duration) {
        match &self.0 {
            Source::System { .. } => tokio::time::sleep(duration).await,
            Source::Manual { hand, .. } => hand.sleep(duration).await,
        }
    }

    /// The output of `future`, or `None` once `limit` has passed. If the output is ready, it counts even after the limit,
    /// so that a process that was stopped does not drop what it was waiting for.
    pub(crate) async fn timeout<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            result = future => Some(result),
            () = self.sleep(limit) => None,
        }
    }
}

impl ClockControl {
    /// Another clock with this control and another wall-clock time, like that of a second machine.
    pub(crate) fn clock(&self, epoch: OffsetDateTime) -> Clock {
        Clock(Source::Manual { epoch, hand: self.clone() })
    }

    /// Advances all clocks, and wakes the tasks whose sleep has ended.
    pub fn advance(&self, by: Duration) {
        let due = {
            let mut turned = self.turned();
            turned.boot_time += by;
            turned.monotonic += by;
            let now = turned.monotonic;
            let later = turned.sleepers.split_off(&(now, u64::MAX));
            std::mem::replace(&mut turned.sleepers, later)
        };
        due.into_values().for_each(Waker::wake);
    }

    /// Suspends the machine for this long: wall clock and boot time advance, timers do not.
    pub fn suspend(&self, by: Duration) {
        self.turned().boot_time += by;
    }

    /// Sets the wall clock forward or back.
    pub fn step_wall(&self, by: time::Duration) {
        self.turned().stepped += by;
    }

    /// How long until the next sleep ends, if any task sleeps.
    #[must_use]
    pub fn next_sleeper(&self) -> Option<Duration> {
        let turned = self.turned();
        turned.sleepers.keys().next().map(|(until, _)| until.saturating_sub(turned.monotonic))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut turned = self.turned();
        turned.tickets += 1;
        Sleep { ticket: (turned.monotonic + duration, turned.tickets), hand: self.clone() }
    }

    fn turned(&self) -> MutexGuard<'_, Turned> {
        // Nothing panics while it is held, so the data behind a poisoned lock is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sleep by a manual clock.
struct Sleep {
    ticket: Ticket,
    hand: ClockControl,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut turned = self.hand.turned();
        if turned.monotonic >= self.ticket.0 {
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

/// Reads the clock that counts suspended time.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
struct BootTime(Duration);

#[cfg(target_os = "linux")]
impl BootTime {
    fn now() -> Self {
        let reading = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        // Neither part is ever negative.
        Self(Duration::try_from(reading).unwrap_or_default())
    }

    fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// Reads the monotonic clock, on systems without that one.
#[cfg(not(target_os = "linux"))]
#[derive(Clone, Copy, Debug)]
struct BootTime(Instant);

#[cfg(not(target_os = "linux"))]
impl BootTime {
    #[expect(clippy::disallowed_methods, reason = "this module is the one reader of the clock")]
    fn now() -> Self {
        Self(Instant::now())
    }

    fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn wall_clock_boot_time_and_timers_move_apart() {
        let (clock, hand) = Clock::manual(OffsetDateTime::UNIX_EPOCH);
        hand.advance(SECOND);
        hand.suspend(10 * SECOND);
        hand.step_wall(time::Duration::days(-400));
        assert_eq!(clock.monotonic(), SECOND);
        assert_eq!(clock.boot_time(), 11 * SECOND);
        assert_eq!(clock.now(), OffsetDateTime::UNIX_EPOCH + 11 * SECOND - time::Duration::days(400));
    }

    #[test]
    fn the_boot_time_of_the_machine_goes_on() {
        let clock = Clock::system();
        let before = clock.boot_time();
        while clock.boot_time() == before {
            std::hint::spin_loop();
        }
    }
}
