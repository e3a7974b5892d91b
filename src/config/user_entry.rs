//! An entry of `ALLOWED_USERS`: an e-mail address, VideoAsk's `user_id`, or the `sub` of an id_token.
//!
//! A misspelled entry would match nobody and cause no error, so each entry must look like one of the three.

use crate::config::{diagnostic::Issue, encoding};

/// The minimum length of a `user_id` or `sub` that has only letters. A shorter one is probably a person's name.
const SHORTEST_OF_LETTERS: usize = 16;
const FIX: &str = "Write e-mail addresses, VideoAsk user ids or Auth0 subs, with commas between them, such as \
                   ada@example.com,auth0|5f7c8ec7c33c6c004bbafe82.";

/// Whether an entry is an e-mail address. A `sub` may contain one, but has a `|` before it
/// (`samlp|idp|ada@example.com`).
pub(super) fn is_email(entry: &str) -> bool {
    entry.contains('@') && !entry.contains('|')
}

/// Rejects an entry that is none of the three.
pub(super) fn check(entry: &str) -> Result<(), Issue> {
    if entry.is_empty() {
        return Err(Issue::new("an element is empty", "Leave out the comma that has no user beside it."));
    }
    if entry.contains('*') {
        return Err(Issue::new("an entry has a * in it, and there are no patterns here", FIX));
    }
    let is_separator = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ';' | '"' | '<' | '>');
    if encoding::contains(entry, is_separator) || entry.starts_with('\'') || entry.ends_with('\'') {
        return Err(Issue::new("an entry has a space, a semicolon, a quote or a bracket in it", FIX));
    }
    match entry {
        entry if is_email(entry) && !is_email_address(entry) => {
            Err(Issue::new("an entry has an @ and is not an e-mail address", FIX))
        }
        entry if !is_email(entry) && !is_id(entry) => {
            Err(Issue::new("an entry is neither an e-mail address nor looks like a user id or sub", FIX))
        }
        _ => Ok(()),
    }
}

/// Whether the entry has the dot-atom form of RFC 5322, with letters of any script and a domain of at least two labels.
fn is_email_address(entry: &str) -> bool {
    let is_atom = |atom: &str| {
        let fits = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{}~".contains(c);
        !atom.is_empty() && atom.chars().all(fits)
    };
    let is_label = |label: &str| {
        let fits = |c: char| c.is_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(fits) && !label.starts_with('-') && !label.ends_with('-')
    };
    let Some((local, domain)) = entry.split_once('@') else { return false };
    local.split('.').all(is_atom) && domain.contains('.') && domain.split('.').all(is_label)
}

/// Whether the entry looks like an id: it has a digit or a separator, or is long. It may have one `@`, since a `sub`
/// may end in an e-mail address.
fn is_id(entry: &str) -> bool {
    let is_marked = entry.contains(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '|'));
    let is_long = entry.len() >= SHORTEST_OF_LETTERS && entry.bytes().all(|byte| byte.is_ascii_alphanumeric());
    entry.bytes().all(|byte| byte.is_ascii_graphic()) && entry.matches('@').count() <= 1 && (is_marked || is_long)
}
