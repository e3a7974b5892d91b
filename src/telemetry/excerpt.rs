//! Text from outside, and errors, fit to be shown and logged.

use std::fmt::Display;

use crate::telemetry::certificate_fix;

/// The longest text from outside that is shown or logged, in characters.
const EXCERPT: usize = 200;

/// Text from outside, made safe to show and log: escaped, and cut to 200 characters.
pub(crate) fn excerpt(text: &str) -> String {
    let mut shown = String::new();
    let mut left = EXCERPT;
    for character in text.chars() {
        let escaped = match character {
            '"' | '\'' => String::from(character),
            other => other.escape_debug().to_string(),
        };
        let length = escaped.chars().count();
        if length >= left {
            shown.push('…');
            break;
        }
        left -= length;
        shown.push_str(&escaped);
    }
    shown
}

/// Like [`excerpt`], for a response that may echo the `secrets` of its request.
pub(crate) fn excerpt_without<'s>(text: &str, secrets: impl IntoIterator<Item = &'s str>) -> String {
    let redact = |text: String, secret: &str| if secret.is_empty() { text } else { text.replace(secret, "[redacted]") };
    excerpt(&secrets.into_iter().fold(text.to_owned(), redact))
}

/// A text of several lines as one line, for the log.
pub(crate) fn one_line(text: impl Display) -> String {
    let text = text.to_string();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An error and its causes in one line, for the log, with the fix for a refused certificate. Our error types carry no
/// secret in either.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    let line = causes.fold(error.to_string(), |line, cause| format!("{line}: {}", excerpt(&cause.to_string())));
    match certificate_fix(error) {
        Some(fix) => format!("{line}. Fix: {fix}"),
        None => line,
    }
}

/// The innermost cause: the outer ones only say that something failed.
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let cause = std::iter::successors(Some(error), |&cause| cause.source()).last().unwrap_or(error);
    excerpt(&cause.to_string())
}

/// The message of a panic, made safe to log.
pub(crate) fn panic_cause(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    excerpt(text.unwrap_or("it said nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_escaped_and_cut() {
        assert_eq!(excerpt("it's \"fine\"\r\n\u{202e}é"), "it's \"fine\"\\r\\n\\u{202e}é");
        let long = excerpt(&"\n".repeat(1000));
        assert!(long.chars().count() <= EXCERPT, "{} characters", long.chars().count());
        assert!(long.ends_with("\\n…"), "an escape is never cut in two");
    }

    #[test]
    fn an_echoed_secret_is_redacted_even_where_the_cut_would_split_it() {
        let text = format!("{}s3cret-value", "x".repeat(195));
        assert!(!excerpt_without(&text, ["s3cret-value", ""]).contains("s3c"));
    }
}
