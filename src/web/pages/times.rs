//! Times as people read them.

use std::fmt;

use askama::filters::HtmlSafe;
use time::{Date, Duration, Month, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

/// A point in time. `Display` writes a `<time>`, with RFC 3339 in its tooltip; the script turns it into local time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    rfc3339: String,
    words: String,
}

impl Timestamp {
    pub(crate) fn new(time: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self { rfc3339: rfc3339(time), words: moment(time, now) }
    }

    /// Such as `today, 03:34 UTC`.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rfc3339, words } = self;
        write!(f, "<time datetime=\"{rfc3339}\" title=\"{rfc3339}\">{words}</time>")
    }
}

/// Digits and English words only.
impl HtmlSafe for Timestamp {}

/// How long something still takes. `Display` writes an element that the script counts down, from the server's seconds:
/// the browser's clock may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Countdown(pub(crate) Duration);

impl Countdown {
    /// Such as `23 h 59 min`.
    pub(crate) fn words(self) -> String {
        let minutes = self.0.whole_minutes();
        match (minutes / 60, minutes % 60) {
            (..=0, ..=0) => "less than a minute".to_owned(),
            (..=0, minutes) => format!("{minutes} min"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        }
    }
}

impl fmt::Display for Countdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.whole_seconds().max(0);
        write!(f, "<span class=\"time-left\" data-seconds=\"{seconds}\">{}</span>", self.words())
    }
}

/// Digits and English words only.
impl HtmlSafe for Countdown {}

/// RFC 3339, UTC, whole seconds.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    let whole = time.to_offset(UtcOffset::UTC).replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// `today, 03:34 UTC`; yesterday and tomorrow alike, and any other day by its date.
fn moment(time: OffsetDateTime, now: OffsetDateTime) -> String {
    let (time, today) = (time.to_offset(UtcOffset::UTC), now.to_offset(UtcOffset::UTC).date());
    format!("{}, {:02}:{:02} UTC", day(time.date(), today), time.hour(), time.minute())
}

fn day(date: Date, today: Date) -> String {
    match (date - today).whole_days() {
        -1 => "yesterday".to_owned(),
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        _ => format!("{} {} {}", date.day(), month(date.month()), date.year()),
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
    fn the_time_left_is_told_in_hours_and_minutes() {
        let words = |left| Countdown(left).words();
        assert_eq!(words(Duration::hours(24) - Duration::seconds(1)), "23 h 59 min");
        assert_eq!(words(Duration::seconds(59)), "less than a minute");
        assert_eq!(words(Duration::minutes(5)), "5 min");
        assert_eq!(words(Duration::seconds(-5)), "less than a minute");
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
