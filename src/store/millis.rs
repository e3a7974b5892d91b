//! Times as they are stored: whole milliseconds of the Unix epoch.

use time::{OffsetDateTime, error::ComponentRange};

const NANOS: i128 = 1_000_000;

/// `time`, rounded down to a millisecond.
pub(super) fn from_time(time: OffsetDateTime) -> i64 {
    let millis = time.unix_timestamp_nanos().div_euclid(NANOS);
    i64::try_from(millis).expect("every date that OffsetDateTime can hold fits in 64 bits of milliseconds")
}

/// The start of that millisecond.
pub(super) fn to_time(millis: i64) -> Result<OffsetDateTime, ComponentRange> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * NANOS)
}
