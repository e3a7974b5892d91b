//! One line of `.env`, read only where dotenvy and Node's dotenv read the same.
//!
//! A Glitch `.env` was written for Node's dotenv. Where the two disagree, a value would silently become another one,
//! so such a line is refused; single quotes, which both take literally, mend every case but a quote in the value.

use zeroize::Zeroizing;

/// What a line says.
pub(super) enum Line {
    /// Nothing, or a comment.
    Blank,
    /// `key=value`.
    Pair { key: String, value: Zeroizing<String> },
    /// It cannot be read, or not in one way only. The key is known if the line gets that far.
    Bad { key: Option<String>, why: Unreadable },
}

/// Why a line is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// Not of the form `NAME=value`, or not text.
    NoPair,
    /// A quote that is not closed on this line.
    OpenQuote,
    /// A `$`, which dotenvy replaces by a variable's value.
    Dollar,
    /// A `\`, which dotenvy takes as an escape.
    Backslash,
    /// A `#`, which begins a comment for Node's dotenv, and for dotenvy only after a space.
    Hash,
    /// A quote inside an unquoted value, or something right after a quoted one.
    Quote,
    /// A space inside an unquoted value.
    Space,
}

/// What both take as white space; each has further characters of its own.
const SPACES: [char; 3] = [' ', '\t', '\r'];

type Checked<T = ()> = Result<T, Unreadable>;

/// Reads one line, without its line break.
pub(super) fn parse(line: &[u8]) -> Line {
    let Some(text) = as_text(line) else { return Line::Bad { key: None, why: Unreadable::NoPair } };
    if text.is_empty() || text.starts_with('#') {
        return Line::Blank;
    }
    let Some((name, raw)) = text.split_once('=') else { return Line::Bad { key: None, why: Unreadable::NoPair } };
    let raw = raw.trim_start_matches(SPACES);
    match (value(raw), key(name)) {
        (Ok(value), Ok(key)) => Line::Pair { key, value: Zeroizing::new(value.to_owned()) },
        (Err(why), _) | (_, Err(why)) => Line::Bad { key: Some(without_export(name).to_owned()), why },
    }
}

/// The line as text; a control character other than a tab is no part of any value of ours.
fn as_text(line: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(line).ok()?.trim_matches(SPACES);
    (!text.contains(|c: char| c.is_control() && c != '\t')).then_some(text)
}

fn without_export(name: &str) -> &str {
    let name = name.trim();
    name.strip_prefix("export").filter(|rest| rest.starts_with(char::is_whitespace)).map_or(name, str::trim_start)
}

/// The value without quotes and comment, if both readers agree on it. With neither an escape nor a substitution in it,
/// it is what stands there.
fn value(raw: &str) -> Checked<&str> {
    match raw.chars().next() {
        None | Some('#') => Ok(""),
        Some(quote @ ('\'' | '"')) => quoted(raw, quote),
        Some(_) => unquoted(raw),
    }
}

fn quoted(raw: &str, quote: char) -> Checked<&str> {
    let (inside, rest) = raw[1..].split_once(quote).ok_or(Unreadable::OpenQuote)?;
    if quote == '"' {
        no_expansion(inside)?;
    } else if inside.ends_with('\\') {
        // Both take `\'` as a quote that does not close, each in its own way.
        return Err(Unreadable::Backslash);
    }
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return Err(Unreadable::Quote);
    }
    only_a_comment(rest)?;
    Ok(inside)
}

fn unquoted(raw: &str) -> Checked<&str> {
    let end = raw.find(char::is_whitespace).unwrap_or(raw.len());
    let (value, rest) = raw.split_at(end);
    no_expansion(value)?;
    if value.contains(['\'', '"', '`']) {
        return Err(Unreadable::Quote);
    }
    if value.contains('#') {
        return Err(Unreadable::Hash);
    }
    only_a_comment(rest)?;
    Ok(value)
}

fn no_expansion(value: &str) -> Checked {
    match value.chars().find(|c| matches!(c, '$' | '\\')) {
        None => Ok(()),
        Some('$') => Err(Unreadable::Dollar),
        Some(_) => Err(Unreadable::Backslash),
    }
}

fn only_a_comment(rest: &str) -> Checked {
    let rest = rest.trim_start_matches(SPACES);
    if rest.is_empty() || rest.starts_with('#') { Ok(()) } else { Err(Unreadable::Space) }
}

/// The name as dotenvy reads it. It never sees a value: its buffers would keep a secret in memory.
fn key(name: &str) -> Checked<String> {
    match dotenvy::from_read_iter(format!("{name}=value").as_bytes()).next() {
        Some(Ok((key, _))) => Ok(key),
        Some(Err(_)) | None => Err(Unreadable::NoPair),
    }
}

impl Unreadable {
    /// What is wrong with the line.
    pub(super) fn wrong(self) -> &'static str {
        match self {
            Self::NoPair => "this line cannot be read as NAME=value",
            Self::OpenQuote => "a quote is opened and not closed on the same line",
            Self::Dollar => "a `$` outside single quotes is not taken literally by every reader of such files",
            Self::Backslash => "a `\\` here is not taken literally by every reader of such files",
            Self::Hash => "a `#` inside an unquoted value is the start of a comment for some readers of such files",
            Self::Quote => "a quote inside or right beside the value is not read alike by all readers of such files",
            Self::Space => "there is a space inside a value without quotes",
        }
    }

    /// How to mend it.
    pub(super) fn mend(self) -> &'static str {
        match self {
            Self::NoPair => "Write NAME=value, or begin the line with # to make it a comment.",
            Self::OpenQuote => "Close the quote: NAME='value'. No variable spans lines.",
            Self::Backslash => "Put the whole value in single quotes: NAME='value'. It cannot end with a `\\`.",
            Self::Dollar | Self::Hash | Self::Quote | Self::Space => {
                "Put the whole value in single quotes: NAME='value'."
            }
        }
    }
}
