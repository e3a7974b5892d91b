//! Text for people, in which backticks mark code, as the pages show it.

use std::{borrow::Cow, fmt};

use askama::filters::{Html, HtmlSafe, escape};

/// Text with code in backticks. `Display` writes HTML: the text escaped, the code as `<code>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markup(Cow<'static, str>);

impl Markup {
    /// The text without its backticks, for a page's title.
    pub(crate) fn plain(&self) -> String {
        self.0.replace('`', "")
    }

    /// The text as it was written, backticks included.
    #[cfg(test)]
    pub(crate) fn source(&self) -> &str {
        &self.0
    }
}

impl<Text: Into<Cow<'static, str>>> From<Text> for Markup {
    fn from(text: Text) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, piece) in self.0.split('`').enumerate() {
            let Ok(piece) = escape(piece, Html);
            // Every second piece stands between two backticks.
            if index % 2 == 0 { write!(f, "{piece}")? } else { write!(f, "<code>{piece}</code>")? }
        }
        Ok(())
    }
}

/// `Display` escapes by itself.
impl HtmlSafe for Markup {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_become_code_and_everything_is_escaped() {
        let text = Markup::from("Run `a <b>` & see `c`.");
        assert_eq!(text.to_string(), "Run <code>a &#60;b&#62;</code> &#38; see <code>c</code>.");
    }
}
