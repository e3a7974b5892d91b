//! Times and lengths of time: in words, for the pages and the commands, and as JSON Web Tokens have them.

use std::borrow::Cow;

use serde_json::Value;
use time::{Date, Duration, Month, OffsetDateTime, UtcOffset};

pub(crate) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

/// RFC 3339, UTC, whole seconds. Empty for a year before 0, which that format does not have.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    let (Ok(century), Ok(year)) =
        (u8::try_from(time.year().div_euclid(100)), u8::try_from(time.year().rem_euclid(100)))
    else {
        return String::new();
    };
    let mut text = String::with_capacity("2026-11-27T03:34:00Z".len());
    push_two_digits(&mut text, century);
    for (number, after) in [
        (year, '-'),
        (time.month().into(), '-'),
        (time.day(), 'T'),
        (time.hour(), ':'),
        (time.minute(), ':'),
        (time.second(), 'Z'),
    ] {
        push_two_digits(&mut text, number);
        text.push(after);
    }
    text
}

/// Adds a number below 100. A page has many times, and `format!` takes ten times as long.
fn push_two_digits(text: &mut String, number: u8) {
    text.push(char::from(b'0' + number / 10));
    text.push(char::from(b'0' + number % 10));
}

/// A NumericDate (RFC 7519, section 2), which may have a fraction.
pub(crate) fn numeric_date(claim: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::checked_seconds_f64(claim.as_f64()?)?)
}

/// `today, 03:34 UTC`; yesterday and tomorrow alike, and any other day by its date.
pub(crate) fn moment(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let (time, today) = (time.to_offset(UtcOffset::UTC), now.to_offset(UtcOffset::UTC).date());
    let mut text = String::with_capacity("27 November 2026, 03:34 UTC".len());
    text.push_str(&day(time.date(), today));
    text.push_str(", ");
    push_two_digits(&mut text, time.hour());
    text.push(':');
    push_two_digits(&mut text, time.minute());
    text.push_str(" UTC");
    text
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
    use time::{format_description::well_known::Rfc3339, macros::datetime};

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
    fn rfc3339_is_what_the_time_crate_writes_without_fractions() {
        let day = Duration::DAY + Duration::seconds(3_661);
        let some = (0..20_000).map(|number| OffsetDateTime::UNIX_EPOCH + number * day);
        let special = [
            datetime!(0000-01-01 00:00 UTC),
            datetime!(9999-12-31 23:59:59 UTC),
            datetime!(-0001-12-31 23:59:59 UTC),
            datetime!(2026-11-28 00:30:59.999 +1),
        ];
        for time in some.chain(special) {
            let written = whole_seconds(time.to_offset(UtcOffset::UTC)).format(&Rfc3339).unwrap_or_default();
            assert_eq!(rfc3339(time), written);
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
