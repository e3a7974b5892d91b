//! Times on a page, as HTML that the page's script can update.

use std::fmt;

use askama::filters::HtmlSafe;
use time::{Duration, OffsetDateTime};

use crate::times::{moment, rfc3339};

/// A point in time. `Display` writes a `<time>` element with RFC 3339 in its tooltip. The script turns the text into
/// local time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
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

/// `Display` writes only digits and English words, which need no escaping.
impl HtmlSafe for Timestamp {}

/// How long something still takes. `Display` writes an element that the script counts down, from the server's seconds:
/// the browser's clock may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Countdown(pub(crate) Duration);

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

/// `Display` writes only digits and English words, which need no escaping.
impl HtmlSafe for Countdown {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_told_in_hours_and_minutes() {
        let words = |left| Countdown(left).words();
        assert_eq!(words(Duration::hours(24) - Duration::seconds(1)), "23 h 59 min");
        assert_eq!(words(Duration::seconds(59)), "less than a minute");
        assert_eq!(words(Duration::minutes(5)), "5 min");
        assert_eq!(words(Duration::seconds(-5)), "less than a minute");
    }
}
