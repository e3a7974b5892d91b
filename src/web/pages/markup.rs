//! Text in which backticks mark code, and its HTML.

use std::{borrow::Cow, fmt};

use askama::{FastWritable, Values, filters::HtmlSafe};

use crate::html::escaped::write_escaped;

const COMMAND: &str = "videoask-auth";

/// Text with code in backticks. Its HTML is the text, escaped, with the code as `<code>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Markup(Cow<'static, str>);

impl Markup {
    /// Marks the variables and commands in a plain sentence as code. The log and the command line use the same sentence
    /// without marks.
    pub(crate) fn of_plain(sentence: &str) -> Self {
        let mut words = sentence.split(' ');
        let mut marked = Vec::new();
        while let Some(word) = words.next() {
            marked.push(match word {
                COMMAND => command(words.next().unwrap_or_default()),
                word => variable(word),
            });
        }
        let marked = marked.join(" ");
        Self(marked.into())
    }

    /// The text without its backticks, for a page's title.
    pub(crate) fn plain(&self) -> String {
        self.0.replace('`', "")
    }

    pub(crate) fn write_html(&self, html: &mut dyn fmt::Write) -> fmt::Result {
        for (index, piece) in self.0.split('`').enumerate() {
            // Every second piece is between two backticks.
            let is_code = index % 2 == 1;
            if is_code {
                html.write_str("<code>")?;
            }
            write_escaped(piece, html)?;
            if is_code {
                html.write_str("</code>")?;
            }
        }
        Ok(())
    }

    /// The text as it was written, backticks included.
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
        self.write_html(f)
    }
}

impl FastWritable for Markup {
    fn write_into(&self, page: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        Ok(self.write_html(page)?)
    }
}

/// [`Markup::write_html`] escapes the text.
impl HtmlSafe for Markup {}

/// The program's name and a command, marked as code. Punctuation after them stays outside.
fn command(name: &str) -> String {
    let (name, rest) = name.split_at(name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len()));
    format!("`{COMMAND} {name}`{rest}")
}

/// A word, marked as code if it is a name with an underscore, such as `CLIENT_ID`.
fn variable(word: &str) -> String {
    let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
    let (name, rest) = word.split_at(end);
    if name.contains('_') { format!("`{name}`{rest}") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_and_commands_of_a_plain_sentence_become_code() {
        for (plain, marked) in [
            ("Run videoask-auth check on the server.", "Run `videoask-auth check` on the server."),
            ("Run videoask-auth check.", "Run `videoask-auth check`."),
            ("CLIENT_ID or CLIENT_SECRET is wrong.", "`CLIENT_ID` or `CLIENT_SECRET` is wrong."),
            ("Add offline_access, then log in.", "Add `offline_access`, then log in."),
            ("VideoAsk rotates (identity-changed) them.", "VideoAsk rotates (identity-changed) them."),
        ] {
            assert_eq!(Markup::of_plain(plain).source(), marked);
        }
    }

    #[test]
    fn backticks_become_code_and_everything_is_escaped() {
        let text = Markup::from("Run `a <b>` & see `c`.");
        assert_eq!(text.to_string(), "Run <code>a &#60;b&#62;</code> &#38; see <code>c</code>.");
    }
}
