//! Parses one line of `.env`, and accepts it only if dotenvy and Node's dotenv parse it alike.
//!
//! A Glitch `.env` was written for Node's dotenv. Where the two parsers disagree, the value would silently change, so
//! such a line is rejected. Both take a value in single quotes literally. So single quotes fix every case, except a
//! value that contains a single quote or ends with a `\`.

use memchr::{memchr2, memchr3};
use zeroize::Zeroizing;

use crate::config::encoding;

pub(super) enum EnvLine {
    /// An empty line or a comment.
    Blank,
    /// `key=value`.
    Pair { key: String, value: Zeroizing<String> },
    /// The line is malformed, or the two parsers disagree. `key` is set if it could be read.
    Invalid { key: Option<String>, error: LineError },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineError {
    /// The line is not of the form `NAME=value`, or is not text.
    NoPair,
    /// A quote that is not closed on this line.
    OpenQuote,
    /// A `$`, which dotenvy replaces by a variable's value.
    Dollar,
    /// A `\` that at least one of the parsers takes as an escape.
    Backslash,
    /// A `#`, which starts a comment for Node's dotenv, and for dotenvy only after a space.
    Hash,
    /// A quote inside an unquoted value, or a character immediately after a quoted one.
    Quote,
    /// A space inside an unquoted value.
    Space,
}

/// The characters that both parsers take as white space.
const SPACES: [char; 3] = [' ', '\t', '\r'];

type Result<T = (), E = LineError> = std::result::Result<T, E>;

impl EnvLine {
    /// Parses one line, without its line break.
    pub(super) fn parse(line: &[u8]) -> Self {
        let Some(text) = as_text(line) else { return Self::Invalid { key: None, error: LineError::NoPair } };
        if text.is_empty() || text.starts_with('#') {
            return Self::Blank;
        }
        let Some((name, raw)) = text.split_once('=') else {
            return Self::Invalid { key: None, error: LineError::NoPair };
        };
        let raw = raw.trim_start_matches(SPACES);
        match (value(raw), key(name)) {
            (Ok(value), Ok(key)) => Self::Pair { key, value: Zeroizing::new(value.to_owned()) },
            (Err(error), _) | (_, Err(error)) => Self::Invalid { key: Some(without_export(name).to_owned()), error },
        }
    }
}

/// The line as text, if it is text. None of our values has a control character other than a tab, and Node's dotenv ends
/// the line at a Unicode line or paragraph separator.
fn as_text(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?.trim_matches(SPACES);
    let is_odd = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
    (!encoding::contains(text, is_odd)).then_some(text)
}

fn without_export(name: &str) -> &str {
    let name = name.trim();
    name.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace)).map_or(name, str::trim_start)
}

/// The value without quotes and comment, if both parsers agree on it. It contains neither an escape nor a substitution,
/// so it is taken literally.
fn value(raw: &str) -> Result<&str> {
    match raw.chars().next() {
        None | Some('#') => Ok(""),
        Some(quote @ ('\'' | '"')) => quoted(raw, quote),
        Some(_) => unquoted(raw),
    }
}

fn quoted(raw: &str, quote: char) -> Result<&str> {
    let (inside, rest) = raw[1..].split_once(quote).ok_or(LineError::OpenQuote)?;
    if quote == '"' {
        no_expansion(inside)?;
    } else if inside.ends_with('\\') {
        // The two parsers disagree on whether `\'` closes the quote.
        return Err(LineError::Backslash);
    }
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return Err(LineError::Quote);
    }
    only_a_comment(rest)?;
    Ok(inside)
}

fn unquoted(raw: &str) -> Result<&str> {
    let end = encoding::find(raw, char::is_whitespace).unwrap_or(raw.len());
    let (value, rest) = raw.split_at(end);
    no_expansion(value)?;
    if memchr3(b'\'', b'"', b'`', value.as_bytes()).is_some() {
        return Err(LineError::Quote);
    }
    if value.contains('#') {
        return Err(LineError::Hash);
    }
    only_a_comment(rest)?;
    Ok(value)
}

fn no_expansion(value: &str) -> Result {
    match memchr2(b'$', b'\\', value.as_bytes()) {
        None => Ok(()),
        Some(at) if value[at..].starts_with('$') => Err(LineError::Dollar),
        Some(_) => Err(LineError::Backslash),
    }
}

fn only_a_comment(rest: &str) -> Result {
    let rest = rest.trim_start_matches(SPACES);
    if rest.is_empty() || rest.starts_with('#') { Ok(()) } else { Err(LineError::Space) }
}

/// The name as dotenvy parses it. dotenvy never gets the real value, since its buffers would keep a secret in memory.
fn key(name: &str) -> Result<String> {
    match dotenvy::from_read_iter(format!("{name}=value").as_bytes()).next() {
        Some(Ok((key, _))) => Ok(key),
        Some(Err(_)) | None => Err(LineError::NoPair),
    }
}

impl LineError {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::NoPair => "this line cannot be read as NAME=value",
            Self::OpenQuote => "a quote is opened and not closed on the same line",
            Self::Dollar => "a `$` outside single quotes is not taken literally by every program that reads such files",
            Self::Backslash => "a `\\` here is not taken literally by every program that reads such files",
            Self::Hash => {
                "a `#` inside an unquoted value is the start of a comment for some programs that read such files"
            }
            Self::Quote => {
                "a quote inside or right beside the value is not read alike by all programs that read such files"
            }
            Self::Space => "there is a space inside a value without quotes",
        }
    }

    pub(super) fn fix(self) -> &'static str {
        match self {
            Self::NoPair => "Write NAME=value, or start the line with # to make it a comment.",
            Self::OpenQuote => "Close the quote: NAME='value'. No variable spans lines.",
            Self::Backslash => "Put the whole value in single quotes: NAME='value'. It cannot end with a `\\`.",
            Self::Dollar | Self::Hash | Self::Quote | Self::Space => {
                "Put the whole value in single quotes: NAME='value'."
            }
        }
    }
}
