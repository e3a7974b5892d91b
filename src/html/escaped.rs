//! Text that is escaped for HTML.

use std::fmt;

use askama::{
    FastWritable, Template, Values,
    filters::{Escaper, Html, HtmlSafe},
};
use memchr::{memchr2, memchr3};

/// Text or markup that was escaped once, for pages that show it often.
#[derive(Debug)]
pub(crate) struct Escaped(String);

impl Escaped {
    pub(crate) fn of(text: &str) -> Self {
        let mut escaped = String::with_capacity(text.len());
        // Writing to a `String` cannot fail.
        let _ = write_escaped(text, &mut escaped);
        Self(escaped)
    }

    /// What a template writes, which escapes its values itself.
    ///
    /// # Panics
    /// When one of its values cannot be written. A text always can.
    pub(crate) fn rendered(template: &impl Template) -> Self {
        Self(template.render().expect("a text can always be written"))
    }
}

impl fmt::Display for Escaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FastWritable for Escaped {
    fn write_into(&self, page: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        Ok(page.write_str(&self.0)?)
    }
}

/// [`Escaped::of`] escapes the text, and [`Escaped::rendered`] takes what a template has escaped.
impl HtmlSafe for Escaped {}

/// Text that a template shows. It would escape a `str` too, but byte by byte.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a>(pub(crate) &'a str);

/// Does not show the text, which may be a token.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(self.0, f)
    }
}

impl FastWritable for Text<'_> {
    fn write_into(&self, page: &mut dyn fmt::Write, _: &dyn Values) -> askama::Result<()> {
        Ok(write_escaped(self.0, page)?)
    }
}

/// [`write_escaped`] escapes the text.
impl HtmlSafe for Text<'_> {}

/// Writes text as HTML. Nearly all text has nothing to escape, and `memchr` finds that out many bytes at a time.
pub(crate) fn write_escaped(text: &str, html: &mut dyn fmt::Write) -> fmt::Result {
    if memchr3(b'<', b'>', b'&', text.as_bytes()).or_else(|| memchr2(b'"', b'\'', text.as_bytes())).is_none() {
        return html.write_str(text);
    }
    Html.write_escaped_str(html, text)
}

#[cfg(test)]
mod tests {
    use askama::filters::escape;

    use super::*;

    #[derive(askama::Template)]
    #[template(source = "{{ escaped }} {{ long }} {{ text }}", ext = "html")]
    struct Page {
        escaped: Escaped,
        long: Text<'static>,
        text: &'static str,
    }

    #[test]
    fn text_is_escaped_once_and_as_a_template_does_it() {
        let text = "<b title=\"'\">&amp;";
        let page = Page { escaped: Escaped::of(text), long: Text(text), text }.to_string();
        let escaped = "&#60;b title=&#34;&#39;&#34;&#62;&#38;amp;";
        assert_eq!(page, format!("{escaped} {escaped} {escaped}"));
    }

    #[test]
    fn each_character_is_escaped_that_askama_escapes() {
        for character in '\0'..='\u{2ff}' {
            let text = format!("some text {character}");
            let Ok(expected) = escape(&text, Html);
            assert_eq!(Escaped::of(&text).to_string(), expected.to_string(), "{character:?}");
        }
    }
}
