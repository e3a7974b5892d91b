//! One line of a page, in which times and outside text have their own markup.

use std::fmt;

use askama::filters::{Html, HtmlSafe, escape};
use time::OffsetDateTime;

use crate::web::pages::{
    outside_text,
    prose::Prose,
    times::{Moment, TimeLeft},
};

/// Pieces of text in a row. `Display` writes HTML, everything escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Prose(Prose),
    Outside(String),
    Moment(Moment),
    TimeLeft(TimeLeft),
}

impl Line {
    /// Adds text of ours, with code in backticks.
    #[must_use]
    pub(crate) fn text(self, text: impl Into<Prose>) -> Self {
        self.with(Piece::Prose(text.into()))
    }

    /// Adds text from outside.
    #[must_use]
    pub(crate) fn outside(self, text: &str) -> Self {
        self.with(Piece::Outside(outside_text::shown(text)))
    }

    /// Adds a point in time.
    #[must_use]
    pub(crate) fn moment(self, time: OffsetDateTime, now: OffsetDateTime) -> Self {
        self.with(Piece::Moment(Moment::new(time, now)))
    }

    /// Adds how long it is until `time`, which the script counts down.
    #[must_use]
    pub(crate) fn time_left(self, time: OffsetDateTime, now: OffsetDateTime) -> Self {
        self.with(Piece::TimeLeft(TimeLeft(time - now)))
    }

    fn with(mut self, piece: Piece) -> Self {
        self.0.push(piece);
        self
    }

    /// The line without markup, for a page's title.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut plain = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Prose(prose) => plain.push_str(&prose.plain()),
                Piece::Outside(text) => plain.push_str(text),
                Piece::Moment(moment) => plain.push_str(moment.words()),
                Piece::TimeLeft(left) => plain.push_str(&left.words()),
            }
        }
        plain
    }
}

impl<Text: Into<Prose>> From<Text> for Line {
    fn from(text: Text) -> Self {
        Self::default().text(text)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Prose(prose) => write!(f, "{prose}")?,
                Piece::Outside(text) => {
                    let Ok(text) = escape(text, Html);
                    write!(f, "{text}")?;
                }
                Piece::Moment(moment) => write!(f, "{moment}")?,
                Piece::TimeLeft(left) => write!(f, "{left}")?,
            }
        }
        Ok(())
    }
}

/// `Display` escapes by itself.
impl HtmlSafe for Line {}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_line_is_html_with_times_and_plain_text_without() {
        let now = datetime!(2026-11-27 03:34 UTC);
        let line = Line::from("Works `x` until ").moment(datetime!(2026-11-27 04:00 UTC), now).text(", says ");
        let line = line.outside("<b>\u{202e}`Eve`");
        assert_eq!(
            line.to_string(),
            "Works <code>x</code> until <time datetime=\"2026-11-27T04:00:00Z\" title=\"2026-11-27T04:00:00Z\">today, \
             04:00 UTC</time>, says &#60;b&#62;\u{fffd}`Eve`"
        );
        assert_eq!(line.plain(), "Works x until today, 04:00 UTC, says <b>\u{fffd}`Eve`");
        let left = Line::default().time_left(datetime!(2026-11-27 03:36:30 UTC), now);
        assert_eq!(left.to_string(), "<span class=\"time-left\" data-seconds=\"150\">2 min</span>");
    }
}
