//! A line of `.env` is read where dotenvy and Node's dotenv agree on it, and refused where they do not.

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use super::*;

/// Characters that the two readers treat differently.
const ODD: &str = "[a-z'\"`\\\\$#= \t\u{a0}\u{85}\u{feff}\u{2028}\u{3000}é]{0,5}";
/// Characters that both readers treat alike.
const PLAIN: &str = "[a-zA-Z0-9é=+/|@:.,-]{0,5}";
const SECRET: &str = "canary-0123456789-abcdef-ghijkl-mnop";

/// The regular expression of Node's dotenv 16 (`lib/main.js`), for a text of one line.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    const SPACE: &str =
        r"[\t\n\x0B\f\r \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}]";
    let expression = r#"^\s*(?:export\s+)?([0-9A-Za-z_.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#[^\n\r\x{2028}\x{2029}]*)?$"#;
    Regex::new(&expression.replace(r"\s", SPACE)).unwrap()
});

/// The name and value that Node's dotenv reads from a line.
fn node_dotenv(line: &str) -> Option<(String, String)> {
    // Node's dotenv first turns every carriage return into a line break.
    let found = LINE.captures(line.trim_end_matches('\r'))?;
    let is_space = |c: char| c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}');
    let value = found.get(2).map_or("", |value| value.as_str()).trim_matches(is_space);
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
    let inside = quote.and_then(|quote| value[1..].strip_suffix(quote));
    let value = inside.unwrap_or(value).to_owned();
    let value = if quote == Some('"') { value.replace(r"\n", "\n").replace(r"\r", "\r") } else { value };
    Some((found[1].to_owned(), value))
}

fn dotenvy(line: &str) -> Option<(String, String)> {
    dotenvy::from_read_iter(line.as_bytes()).next()?.ok()
}

/// Trims the value as this program does with values from any source: of white space and byte order marks.
fn trimmed(pair: Option<(String, String)>) -> Option<(String, String)> {
    let is_dropped = |c: char| c == '\u{feff}' || c.is_whitespace();
    pair.map(|(key, value)| (key, value.trim_matches(is_dropped).to_owned()))
}

fn ours(line: &str) -> Result<String, ConfigError> {
    let environment = without("EXPRESS_SESSION");
    let loaded = load_in(folder(line).path(), &environment)?;
    Ok(loaded.config.secrets.current.expose_secret().to_owned())
}

/// Lines that set EXPRESS_SESSION, with `odd` characters inside the value and any syntax around it.
fn lines(odd: &'static str) -> impl Strategy<Value = String> {
    let edge = "[ \t]{0,2}";
    let quote = prop_oneof![3 => Just(""), 2 => Just("'"), 2 => Just("\""), 1 => Just("`")];
    let tail = prop_oneof![3 => Just(""), 1 => Just(" # a comment"), 1 => Just("# a comment"), 1 => Just("\r")];
    let start = prop_oneof![4 => Just(""), 1 => Just("export "), 1 => Just("\u{feff}"), 1 => Just("export\t")];
    (start, edge, edge, quote, odd, odd, any::<bool>(), edge, tail).prop_map(
        |(start, left, right, quote, before, after, is_closed, space, tail)| {
            let close = if is_closed { quote } else { "" };
            format!("{start}EXPRESS_SESSION{left}={right}{quote}{before}{SECRET}{after}{close}{space}{tail}")
        },
    )
}

/// What follows it may be another variable for Node's dotenv, also where it is in a comment.
#[test]
fn a_line_with_a_unicode_line_separator_is_refused() {
    for separator in ['\u{2028}', '\u{2029}'] {
        for line in [
            format!("EXPRESS_SESSION='{SECRET}'\t#{separator}"),
            format!("EXPRESS_SESSION={SECRET} # a comment{separator}EXPRESS_SESSION=another"),
            format!("# a comment{separator}EXPRESS_SESSION={SECRET}"),
        ] {
            assert!(ours(&line).is_err(), "{line:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn read_the_same_line_the_same_way_or_it_is_refused_without_its_value(line in lines(ODD)) {
        match ours(&line) {
            Ok(value) => {
                // A byte order mark at the start of a file is not part of its first line.
                let line = line.trim_start_matches('\u{feff}');
                let expected = Some(("EXPRESS_SESSION".to_owned(), value));
                prop_assert_eq!(&trimmed(node_dotenv(line)), &expected, "Node reads {:?} otherwise", line);
                // dotenvy refuses a tab at the end of a line. It then reads no value, so there is none to compare.
                let by_dotenvy = trimmed(dotenvy(line));
                prop_assert!(by_dotenvy.is_none() || by_dotenvy == expected, "dotenvy reads {:?} otherwise", line);
            }
            Err(problems) => {
                let shown = format!("{problems} {problems:?}");
                prop_assert!(!shown.contains("canary"), "{}", shown);
            }
        }
    }

    #[test]
    fn agree_on_a_plain_value_and_so_it_is_read(line in lines(PLAIN)) {
        let (node, dotenvy) = (node_dotenv(&line), dotenvy(&line));
        if let (Some((_, value)), true) = (&node, node == dotenvy && !line.contains('`')) {
            prop_assert_eq!(ours(&line).ok(), Some(value.clone()), "both read {:?}", line);
        }
    }
}
