//! Durations as people write them: `10s`, `1500ms`, `5m`, `24h`, `90d`.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// The text is not a whole number with a unit.
    #[error("write a whole number and a unit, ms, s, m, h or d, such as 90s")]
    Malformed,
    /// The number of milliseconds does not fit into 64 bits.
    #[error("this duration is too long")]
    TooLong,
}

/// Like [`parse`], and also accepts a number without a unit as seconds. `min_ttl` and `--min-ttl` take both.
pub(crate) fn parse_or_seconds(text: &str) -> Result<Duration, DurationError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse(text);
    }
    let seconds: u64 = text.parse().map_err(|_| DurationError::TooLong)?;
    // The same upper limit as for a number with a unit.
    seconds.checked_mul(1000).map(Duration::from_millis).ok_or(DurationError::TooLong)
}

/// Parses a whole number and its unit.
///
/// ```
/// use std::time::Duration;
/// use videoask_auth::config::duration;
///
/// assert_eq!(duration::parse("1500ms"), Ok(Duration::from_millis(1500)));
/// assert_eq!(duration::parse("1m"), Ok(Duration::from_secs(60)));
/// assert!(duration::parse("60").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(DurationError::Malformed)?;
    let (number, unit) = text.split_at(unit_at);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(DurationError::Malformed),
    };
    if number.is_empty() {
        return Err(DurationError::Malformed);
    }
    let number: u64 = number.parse().map_err(|_| DurationError::TooLong)?;
    number.checked_mul(milliseconds).map(Duration::from_millis).ok_or(DurationError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_unit_is_seconds_and_nothing_is_no_duration() {
        assert_eq!(parse_or_seconds("600"), parse("10m"));
        assert_eq!(parse_or_seconds(""), Err(DurationError::Malformed));
    }
}
