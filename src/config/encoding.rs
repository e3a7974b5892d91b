//! Encodings of text files other than plain UTF-8, as Windows editors and PowerShell write them.

use crate::config::diagnostic::Issue;

const BOM: char = '\u{feff}';

/// Whether these bytes are UTF-16. Without a byte order mark, UTF-16 is recognised by a zero in every other byte.
pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(64) & !1];
    let zeros = |parity: usize| start.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let half = start.len() / 2;
    let is_every_other_zero = half > 0 && (zeros(0) == half || zeros(1) == half) && zeros(0) != zeros(1);
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || is_every_other_zero
}

/// The issue to report about a UTF-16 file.
pub(super) fn utf16() -> Issue {
    Issue::new(
        "the file is UTF-16, not UTF-8",
        "Save it as UTF-8. Notepad: Save As, Encoding: UTF-8. PowerShell: Set-Content -Encoding utf8. \
         Elsewhere: iconv -f UTF-16 -t UTF-8",
    )
}

/// The text without a byte order mark and without the white space around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c == BOM || c.is_whitespace())
}

/// Whether the text has an invisible character, which copying from a web page may add.
pub(super) fn has_invisible(text: &str) -> bool {
    !text.is_ascii()
        && text.contains(|c: char| matches!(c, BOM | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}'))
}

/// `text.find`, by bytes where all are ASCII: a list of users may be a megabyte.
pub(super) fn find(text: &str, is: impl Fn(char) -> bool) -> Option<usize> {
    if text.is_ascii() { text.bytes().position(|byte| is(char::from(byte))) } else { text.find(is) }
}

/// `text.contains`, by bytes where all are ASCII.
pub(super) fn contains(text: &str, is: impl Fn(char) -> bool) -> bool {
    find(text, is).is_some()
}
