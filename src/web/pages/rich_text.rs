//! A line of a page that contains times and text from outside.

use std::fmt;

use askama::{FastWritable, Values, filters::HtmlSafe};
use time::OffsetDateTime;

use crate::{
    html::{escaped::write_escaped, sanitize},
    web::pages::{
        markup::Markup,
        times::{Countdown, Timestamp},
    },
};

/// A sequence of pieces of text. Its HTML has every text escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RichText(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Markup(Markup),
    Untrusted(String),
    Timestamp(Timestamp),
    Countdown(Countdown),
}

impl RichText {
    /// Adds text of this app, with code in backticks.
    pub(crate) fn text(self, text: impl Into<Markup>) -> Self {
        self.with(Piece::Markup(text.into()))
    }

    pub(crate) fn untrusted(self, text: &str) -> Self {
        self.with(Piece::Untrusted(sanitize::short(text)))
    }

    pub(crate) fn time(self, time: OffsetDateTime, now: OffsetDateTime) -> Self {
        self.with(Piece::Timestamp(Timestamp { time, now }))
    }

    /// Adds the time that is left until `time`, which the page's script counts down.
    pub(crate) fn time_left(self, time: OffsetDateTime, now: OffsetDateTime) -> Self {
        self.with(Piece::Countdown(Countdown(time - now)))
    }

    fn with(mut self, piece: Piece) -> Self {
        self.0.push(piece);
        self
    }

    fn write_html(&self, html: &mut dyn fmt::Write) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Markup(prose) => prose.write_html(html)?,
                Piece::Untrusted(text) => write_escaped(text, html)?,
                Piece::Timestamp(moment) => moment.write_html(html)?,
                Piece::Countdown(left) => left.write_html(html)?,
            }
        }
        Ok(())
    }

    /// The line without markup, for a page's title.
    pub(crate) fn plain(&self) -> String {
        let mut plain = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Markup(prose) => plain.push_str(&prose.plain()),
                Piece::Untrusted(text) => plain.push_str(text),
                Piece::Timestamp(moment) => plain.push_str(&moment.words()),
                Piece::Countdown(left) => plain.push_str(&left.words()),
            }
        }
        plain
    }
}

impl<Text: Into<Markup>> From<Text> for RichText {
    fn from(text: Text) -> Self {
        Self::default().text(text)
    }
}

impl fmt::Display for RichText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_html(f)
    }
}

impl FastWritable for RichText {
    fn write_into(&self, page: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        Ok(self.write_html(page)?)
    }
}

/// [`RichText::write_html`] escapes every text.
impl HtmlSafe for RichText {}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_line_is_html_with_times_and_plain_text_without() {
        let now = datetime!(2026-11-27 03:34 UTC);
        let line = RichText::from("Works `x` until ").time(datetime!(2026-11-27 04:00 UTC), now).text(", says ");
        let line = line.untrusted("<b>\u{202e}`Eve`");
        assert_eq!(
            line.to_string(),
            "Works <code>x</code> until <time datetime=\"2026-11-27T04:00:00Z\" title=\"2026-11-27T04:00:00Z\">today, \
             04:00 UTC</time>, says &#60;b&#62;\u{fffd}`Eve`"
        );
        assert_eq!(line.plain(), "Works x until today, 04:00 UTC, says <b>\u{fffd}`Eve`");
        let left = RichText::default().time_left(datetime!(2026-11-27 03:36:30 UTC), now);
        assert_eq!(left.to_string(), "<span class=\"time-left\" data-seconds=\"150\">2 min</span>");
    }
}
