//! Times on a page, as HTML that the page's script can update.

use std::fmt;

use askama::{FastWritable, Values, filters::HtmlSafe};
use time::{Duration, OffsetDateTime};

use crate::times::{moment, rfc3339};

/// A point in time. Its HTML is a `<time>` element with RFC 3339 in its tooltip. The script turns the text into local
/// time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    pub(crate) time: OffsetDateTime,
    pub(crate) now: OffsetDateTime,
}

impl Timestamp {
    /// Such as `today, 03:34 UTC`.
    pub(crate) fn words(self) -> String {
        moment(self.time, self.now)
    }

    /// Writes only digits and English words, which need no escaping.
    pub(crate) fn write_html(self, html: &mut dyn fmt::Write) -> fmt::Result {
        let rfc3339 = rfc3339(self.time);
        let words = self.words();
        for part in ["<time datetime=\"", &rfc3339, "\" title=\"", &rfc3339, "\">", &words, "</time>"] {
            html.write_str(part)?;
        }
        Ok(())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_html(f)
    }
}

impl FastWritable for Timestamp {
    fn write_into(&self, page: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        Ok(self.write_html(page)?)
    }
}

/// [`Timestamp::write_html`] writes nothing that needs escaping.
impl HtmlSafe for Timestamp {}

/// How long something still takes. Its HTML is an element that the script counts down, from the server's seconds: the
/// browser's clock may be wrong.
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

    /// Writes only digits and English words, which need no escaping.
    pub(crate) fn write_html(self, html: &mut dyn fmt::Write) -> fmt::Result {
        let seconds = self.0.whole_seconds().max(0);
        write!(html, "<span class=\"time-left\" data-seconds=\"{seconds}\">{}</span>", self.words())
    }
}

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
