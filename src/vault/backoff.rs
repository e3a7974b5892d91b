//! How long to wait before the next refresh, after a failure and before expiry.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use time::OffsetDateTime;

use crate::vault::record::cause::FailureKind;

const RETRY_AFTER: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(15 * 60);
const FIRST_TRANSIENT_WAIT: Duration = Duration::from_secs(1);
const LONGEST_TRANSIENT_WAIT: Duration = Duration::from_secs(60);
const FIRST_BLOCKED_WAIT: Duration = Duration::from_secs(5 * 60);
const FIRST_FORCED_WAIT: Duration = Duration::from_secs(10 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// After the `failures`-th transient failure in a row: the provider's hint, else doubling, with jitter.
pub(super) fn transient(failures: u32, retry_after: Option<Duration>, jitter: Jitter) -> Duration {
    match retry_after {
        Some(retry_after) => {
            retry_after.saturating_add(jitter.of(FIRST_TRANSIENT_WAIT)).clamp(*RETRY_AFTER.start(), *RETRY_AFTER.end())
        }
        None => doubled(FIRST_TRANSIENT_WAIT, failures, LONGEST_TRANSIENT_WAIT).mul_f64(1.0 + jitter.0 / 2.0),
    }
}

/// After the `failures`-th refusal in a row: 5 min doubling to 1 h.
pub(super) fn blocked(failures: u32) -> Duration {
    doubled(FIRST_BLOCKED_WAIT, failures, HOUR)
}

/// After the `forced`-th forced refresh in a row: 10 min doubling to 1 h.
pub(super) fn forced(forced: u32) -> Duration {
    doubled(FIRST_FORCED_WAIT, forced, HOUR)
}

/// How long before expiry a token is due: a tenth of its life, and up to half of that more, so that tokens issued in
/// the same second are not all due in the same second.
pub(super) fn margin(life: Duration, jitter: Jitter) -> Duration {
    life / 10 + jitter.of(life / 20)
}

/// The longest wait after a failure of this kind.
pub(crate) fn longest(kind: FailureKind) -> Duration {
    match kind {
        FailureKind::Transient => *RETRY_AFTER.end(),
        FailureKind::Blocked | FailureKind::Dead => HOUR,
    }
}

/// What is left of a wait until this stored time. A wait of more than `longest` was written by a clock that was wrong
/// and is ignored.
pub(crate) fn left(until: OffsetDateTime, longest: Duration, now: OffsetDateTime) -> Duration {
    let left = (until - now).try_into().unwrap_or(Duration::ZERO);
    if left <= longest { left } else { Duration::ZERO }
}

fn doubled(first: Duration, times: u32, max: Duration) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(16)).min(max)
}

/// Jitter between 0 and 1, a hash of what it is for: it differs between records and tries, and is the same in every run
/// of a test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(f64);

impl Jitter {
    pub(crate) fn by(what: impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        Self(f64::from(u16::try_from(hasher.finish() & 0xffff).unwrap_or(u16::MAX)) / 65_536.0)
    }

    pub(crate) fn of(self, whole: Duration) -> Duration {
        whole.mul_f64(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_of_the_provider_is_kept_within_its_bounds() {
        let none = Jitter(0.0);
        assert_eq!(transient(9, Some(Duration::ZERO), none), Duration::from_secs(1));
        assert_eq!(transient(1, Some(Duration::from_secs(40)), none), Duration::from_secs(40));
        assert_eq!(transient(1, Some(Duration::from_secs(86_400)), none), Duration::from_secs(900));
        assert_eq!(transient(1, Some(Duration::MAX), Jitter(0.9)), Duration::from_secs(900));
    }

    #[test]
    fn a_stored_wait_that_is_longer_than_the_longest_is_ignored() {
        let (now, hour) = (OffsetDateTime::UNIX_EPOCH, Duration::from_secs(3600));
        let left = |seconds| left(now + time::Duration::seconds(seconds), hour, now).as_secs();
        assert_eq!([-9, 0, 1, 3600, 3601, 400 * 86_400].map(left), [0, 0, 1, 3600, 0, 0]);
    }

    #[test]
    fn waits_double_and_stop_doubling() {
        assert_eq!([1, 2, 3, 90].map(|n| transient(n, None, Jitter(0.0)).as_secs()), [1, 2, 4, 60]);
        assert_eq!([1, 2, 5, 90].map(|n| blocked(n).as_secs()), [300, 600, 3600, 3600]);
        assert_eq!([1, 2, 3, 4].map(|n| forced(n).as_secs()), [600, 1200, 2400, 3600]);
    }

    #[test]
    fn two_records_are_not_due_in_the_same_moment() {
        let life = Duration::from_secs(86_400);
        assert_ne!(margin(life, Jitter::by("a")), margin(life, Jitter::by("b")));
    }
}
