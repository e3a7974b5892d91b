//! A line of a page that contains times and text from outside.

use std::fmt;

use askama::filters::{Html, HtmlSafe, escape};
use time::OffsetDateTime;

use crate::web::pages::{
    markup::Markup,
    sanitize,
    times::{Countdown, Timestamp},
};

/// A sequence of pieces of text. `Display` writes HTML and escapes every text.
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
        self.with(Piece::Timestamp(Timestamp::new(time, now)))
    }

    /// Adds the time that is left until `time`, which the page's script counts down.
    pub(crate) fn time_left(self, time: OffsetDateTime, now: OffsetDateTime) -> Self {
        self.with(Piece::Countdown(Countdown(time - now)))
    }

    fn with(mut self, piece: Piece) -> Self {
        self.0.push(piece);
        self
    }

    /// The line without markup, for a page's title.
    pub(crate) fn plain(&self) -> String {
        let mut plain = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Markup(prose) => plain.push_str(&prose.plain()),
                Piece::Untrusted(text) => plain.push_str(text),
                Piece::Timestamp(moment) => plain.push_str(moment.words()),
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
        for piece in &self.0 {
            match piece {
                Piece::Markup(prose) => write!(f, "{prose}")?,
                Piece::Untrusted(text) => {
                    let Ok(text) = escape(text, Html);
                    write!(f, "{text}")?;
                }
                Piece::Timestamp(moment) => write!(f, "{moment}")?,
                Piece::Countdown(left) => write!(f, "{left}")?,
            }
        }
        Ok(())
    }
}

/// `Display` escapes every text.
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
