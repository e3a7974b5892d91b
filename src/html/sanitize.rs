//! Makes text from outside, such as a user's name or VideoAsk's messages, safe to show.

/// How many characters of a text from outside a page shows.
const MOST: usize = 200;

/// The first 200 characters. Control characters, and those that are invisible or change the direction of text, are
/// replaced, so that a name cannot reorder or hide the text around it. An ellipsis follows if the text was longer.
pub(crate) fn short(text: &str) -> String {
    if text.len() <= MOST && is_printable(text) {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST).map(harmless).collect();
    if text.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

/// The whole text, with line breaks kept and the same characters replaced.
pub(crate) fn full(text: &str) -> String {
    if text.split('\n').all(is_printable) {
        return text.to_owned();
    }
    text.chars().map(|c| if c == '\n' { c } else { harmless(c) }).collect()
}

/// Whether it has only printable ASCII characters. Such text needs no replacement.
fn is_printable(text: &str) -> bool {
    // Compiled for size, `all` calls its closure for each byte, which takes four times as long.
    for byte in text.bytes() {
        if !matches!(byte, b' '..=b'~') {
            return false;
        }
    }
    true
}

fn harmless(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => ' ',
        // Marks, embeddings, overrides and isolates of the Unicode bidirectional algorithm, and invisible characters.
        '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            '\u{fffd}'
        }
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_change_the_text_around_them_are_replaced() {
        assert_eq!(short("Ada\u{202e}gnp.exe\u{2066}\0"), "Ada\u{fffd}gnp.exe\u{fffd}\u{fffd}");
        assert_eq!(short("a\tb\nc"), "a b c");
        assert_eq!(short("Zoë O’Hara 李 שלום"), "Zoë O’Hara 李 שלום", "letters of any script stay");
        assert_eq!(full("{\n\"a\u{202e}\"\n}"), "{\n\"a\u{fffd}\"\n}");
    }

    #[test]
    fn a_long_text_is_cut_after_200_characters() {
        assert_eq!(short(&"ä".repeat(200)), "ä".repeat(200));
        assert_eq!(short(&"ä".repeat(201)), format!("{}…", "ä".repeat(200)));
    }
}
