//! The clocks of a test machine: a wall clock that is ahead, timers that run ahead, and a machine that is suspended.

use videoask_auth::clock::Clock;

use crate::support::{Clocks, Program};

pub const HOUR: i64 = 60 * 60;
pub const DAY: i64 = 24 * HOUR;

/// The offset, in the file that `clocks.c` maps, of the shift of the boot-time clock.
pub const BOOTTIME: u64 = 8;
const MONOTONIC: u64 = 16;

impl Clocks {
    /// Clocks whose wall clock is ahead by so many seconds.
    pub fn ahead(seconds: i64) -> Self {
        let clocks = Self::right();
        clocks.set_wall_clock_ahead(seconds);
        clocks
    }

    /// Shifts the boot-time and monotonic clocks, which timers use, by so many seconds, and not the wall clock. A
    /// process notices when it next wakes up.
    pub fn pass(&self, seconds: i64) {
        self.write(BOOTTIME, seconds);
        self.write(MONOTONIC, seconds * 1_000_000_000);
    }

    /// Suspends a process as if its machine slept for an hour: the wall clock and the boot-time clock go on, the
    /// monotonic clock does not. Before, the wall clock was `ahead` by so many seconds.
    pub async fn suspend_for_an_hour<T>(&self, process: &Program, ahead: i64, meanwhile: impl Future<Output = T>) -> T {
        process.signal("STOP");
        let clock = Clock::system();
        let result = meanwhile.await;
        self.set_wall_clock_ahead(ahead + HOUR);
        self.write(BOOTTIME, HOUR);
        let stood_still = i64::try_from(clock.monotonic().as_nanos()).unwrap();
        self.write(MONOTONIC, -stood_still);
        process.signal("CONT");
        result
    }
}
