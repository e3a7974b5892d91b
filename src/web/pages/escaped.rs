//! Text that is escaped for HTML.

use std::fmt;

use askama::{
    FastWritable, Values,
    filters::{Escaper, Html, HtmlSafe, escape},
};

/// Text that was escaped once, for a page that shows it often.
#[derive(Debug)]
pub(crate) struct Escaped(String);

impl Escaped {
    pub(crate) fn of(text: &str) -> Self {
        let Ok(escaped) = escape(text, Html);
        Self(escaped.to_string())
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

/// [`Escaped::of`] escapes the text.
impl HtmlSafe for Escaped {}

/// Writes text as HTML.
pub(crate) fn write_escaped(text: &str, html: &mut dyn fmt::Write) -> fmt::Result {
    Html.write_escaped_str(html, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(askama::Template)]
    #[template(source = "{{ escaped }} {{ text }}", ext = "html")]
    struct Page {
        escaped: Escaped,
        text: &'static str,
    }

    #[test]
    fn text_is_escaped_once_and_as_a_template_does_it() {
        let text = "<b title=\"'\">&amp;";
        let page = Page { escaped: Escaped::of(text), text }.to_string();
        let escaped = "&#60;b title=&#34;&#39;&#34;&#62;&#38;amp;";
        assert_eq!(page, format!("{escaped} {escaped}"));
    }
}
