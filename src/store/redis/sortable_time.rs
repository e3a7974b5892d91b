//! Times as text that sorts in their order: the milliseconds in sixteen hex digits, offset so that none is negative.

use time::{OffsetDateTime, error::ComponentRange};

use crate::store::millis;

/// The length of such a text.
pub(crate) const LENGTH: usize = 16;

const EPOCH: u64 = 1 << 63;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("not a number of sixteen hex digits")]
    Digits(#[from] std::num::ParseIntError),
    #[error("not a date")]
    Date(#[from] ComponentRange),
}

pub(crate) fn from_time(time: OffsetDateTime) -> String {
    format!("{:016x}", millis::from_time(time).cast_unsigned() ^ EPOCH)
}

pub(crate) fn to_time(moment: &str) -> Result<OffsetDateTime, Invalid> {
    let millis = u64::from_str_radix(moment, 16)? ^ EPOCH;
    Ok(millis::to_time(millis.cast_signed())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_as_the_times_do_and_give_them_back() {
        let times = [-62_000_000_000, -1, 0, 1, 1_000_000_000, 253_000_000_000]
            .map(|seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap());
        let texts = times.map(from_time);
        assert!(texts.is_sorted());
        assert!(texts.iter().all(|text| text.len() == LENGTH));
        assert_eq!(texts.map(|text| to_time(&text).unwrap()), times);
    }
}
