//! The limits of code exchanges: how many run at once, and how many may fail, so that bogus callbacks cannot use up
//! VideoAsk's rate limit.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The most code exchanges in flight. Each holds a connection to VideoAsk.
pub(crate) const CODE_EXCHANGES: u32 = 64;
/// How many exchanges may fail before callbacks are refused.
const MAX_FAILURES: u32 = 30;
/// How long it takes until one more may fail.
const REFILL: Duration = Duration::from_secs(2);

/// The limit as all callbacks of a process share it.
#[derive(Debug, Default)]
pub(crate) struct FailureLimit(Mutex<Bucket>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    Refused,
}

impl FailureLimit {
    /// Whether an exchange may start, with `in_flight` of them running, this one included. `now` is monotonic time.
    pub(crate) fn admit(&self, in_flight: u32, now: Duration) -> Admission {
        let bucket = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.admit(in_flight, now)
    }

    pub(crate) fn charge(&self, now: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).charge(now);
    }
}

/// A token bucket, stored as the time at which it will be full again.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    full_at: Duration,
}

impl Bucket {
    /// Admits at most as many exchanges at once as may still fail, since each of them may. While nothing has failed
    /// lately, only [`CODE_EXCHANGES`] limits them.
    fn admit(self, in_flight: u32, now: Duration) -> Admission {
        let left = self.left(now);
        let limit = if left == MAX_FAILURES { CODE_EXCHANGES } else { left };
        if in_flight <= limit { Admission::Admitted } else { Admission::Refused }
    }

    fn charge(&mut self, now: Duration) {
        let empty = now + REFILL * MAX_FAILURES;
        self.full_at = (self.full_at.max(now) + REFILL).min(empty);
    }

    fn left(self, now: Duration) -> u32 {
        let missing = self.full_at.saturating_sub(now).as_millis().div_ceil(REFILL.as_millis());
        MAX_FAILURES - u32::try_from(missing).unwrap_or(MAX_FAILURES).min(MAX_FAILURES)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: Duration = Duration::from_secs(1000);

    fn after_failures(count: u32) -> Bucket {
        let mut bucket = Bucket::default();
        (0..count).for_each(|_| bucket.charge(START));
        bucket
    }

    #[test]
    fn thirty_failures_empty_it() {
        assert_eq!(after_failures(29).admit(1, START), Admission::Admitted);
        assert_eq!(after_failures(30).admit(1, START), Admission::Refused);
    }

    #[test]
    fn one_failure_is_refilled_every_two_seconds() {
        let bucket = after_failures(30);
        for (seconds, left) in [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (59, 29), (60, 30), (3600, 30)] {
            assert_eq!(bucket.left(START + Duration::from_secs(seconds)), left, "after {seconds} s");
        }
    }

    #[test]
    fn more_failures_than_it_holds_delay_nobody_further() {
        assert_eq!(after_failures(94).left(START + REFILL), 1);
    }

    #[test]
    fn without_failures_only_the_limit_on_exchanges_counts() {
        assert_eq!(Bucket::default().admit(CODE_EXCHANGES, START), Admission::Admitted);
    }

    #[test]
    fn after_a_failure_no_more_are_in_flight_than_may_fail() {
        let bucket = after_failures(20);
        assert_eq!(bucket.admit(10, START), Admission::Admitted);
        assert_eq!(bucket.admit(11, START), Admission::Refused);
    }

    proptest! {
        #[test]
        fn over_any_time_no_more_exchanges_fail_than_the_bucket_holds_and_refills(
            waits in prop::collection::vec(0_u64..3000, 1..400),
        ) {
            let (mut bucket, mut now, mut failed) = (Bucket::default(), START, 0_u32);
            for wait in waits {
                now += Duration::from_millis(wait);
                if bucket.admit(1, now) == Admission::Admitted {
                    bucket.charge(now);
                    failed += 1;
                }
                let refilled = now.saturating_sub(START).as_millis() / REFILL.as_millis();
                prop_assert!(u128::from(failed) <= u128::from(MAX_FAILURES) + refilled + 1);
            }
        }
    }
}
