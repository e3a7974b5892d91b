//! Times and lengths of time in words, for the pages and the commands.

use std::borrow::Cow;

use time::{Date, Duration, Month, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

pub(crate) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

/// RFC 3339, UTC, whole seconds.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    let whole = whole_seconds(time.to_offset(UtcOffset::UTC));
    whole.format(&Rfc3339).unwrap_or_default()
}

/// `today, 03:34 UTC`; yesterday and tomorrow alike, and any other day by its date.
pub(crate) fn moment(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let (time, today) = (time.to_offset(UtcOffset::UTC), now.to_offset(UtcOffset::UTC).date());
    format!("{}, {:02}:{:02} UTC", day(time.date(), today), time.hour(), time.minute())
}

fn day(date: Date, today: Date) -> Cow<'static, str> {
    match date.to_julian_day() - today.to_julian_day() {
        -1 => "yesterday".into(),
        0 => "today".into(),
        1 => "tomorrow".into(),
        _ => format!("{} {} {}", date.day(), month(date.month()), date.year()).into(),
    }
}

fn month(month: Month) -> &'static str {
    match month {
        Month::January => "January",
        Month::February => "February",
        Month::March => "March",
        Month::April => "April",
        Month::May => "May",
        Month::June => "June",
        Month::July => "July",
        Month::August => "August",
        Month::September => "September",
        Month::October => "October",
        Month::November => "November",
        Month::December => "December",
    }
}

/// How long ago: `just now`, `5 min ago`, `3 h ago`, `2 days ago`.
pub(crate) fn ago(time: Duration) -> String {
    if time < Duration::minutes(1) { "just now".to_owned() } else { format!("{} ago", span(time)) }
}

/// A length of time in its largest unit.
pub(crate) fn span(time: Duration) -> String {
    match (time.whole_days(), time.whole_hours(), time.whole_minutes()) {
        (..=0, ..=0, ..=0) => "less than a minute".to_owned(),
        (..=0, ..=0, minutes) => format!("{minutes} min"),
        (..=0, hours, _) => format!("{hours} h"),
        (1, ..) => "1 day".to_owned(),
        (days, ..) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_is_told_by_day_and_minute() {
        let now = datetime!(2026-11-27 23:59:59 UTC);
        for (time, told) in [
            (datetime!(2026-11-27 00:00 UTC), "today, 00:00 UTC"),
            (datetime!(2026-11-28 03:34 UTC), "tomorrow, 03:34 UTC"),
            (datetime!(2026-11-28 00:30 +1), "today, 23:30 UTC"),
            (datetime!(2026-11-26 12:05 UTC), "yesterday, 12:05 UTC"),
            (datetime!(2027-01-02 12:05 UTC), "2 January 2027, 12:05 UTC"),
        ] {
            assert_eq!(moment(time, now), told);
        }
    }

    #[test]
    fn a_length_of_time_is_told_in_its_largest_unit() {
        assert_eq!((ago(Duration::seconds(-5)), ago(Duration::seconds(59))), ("just now".into(), "just now".into()));
        assert_eq!(
            (ago(Duration::minutes(90)), span(Duration::seconds(3))),
            ("1 h ago".into(), "less than a minute".into())
        );
        assert_eq!((span(Duration::hours(30)), span(Duration::hours(50))), ("1 day".into(), "2 days".into()));
    }
}
