//! Reads a token from stdin, since every user of the machine could read it in an argument.

use std::io::{self, BufRead, IsTerminal, Read, stdin};

use zeroize::Zeroizing;

use crate::cli::output;

/// The longest input, in bytes. No token is longer.
const LONGEST: u64 = 64 * 1024;

/// Why stdin has no token.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("there is nothing on stdin: give the {0} there, as in `printf %s \"$TOKEN\" | videoask-auth ...`")]
    Empty(&'static str),
    #[error("what is on stdin is no {0}: give the token alone, without quotes, names or anything around it")]
    NotAToken(&'static str),
    #[error("stdin cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads the token that is all of stdin, or one line of a terminal. Errors name it by `what`. It is called before any
/// signal is handled, so that Ctrl-C ends the wait.
pub(super) fn token(what: &'static str) -> Result<String, InputError> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let mut input = stdin().lock().take(LONGEST);
    let read = if stdin().is_terminal() {
        output::note(&format_args!("Paste the {what} and press Enter:"));
        input.read_line(&mut text)
    } else {
        input.read_to_string(&mut text)
    };
    match read {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(InputError::NotAToken(what)),
        Err(error) => Err(error.into()),
        Ok(_) => checked(text.trim(), what),
    }
}

/// Whether the text can be a token: visible ASCII (RFC 6749, appendix A). A leading quote or equals sign comes from a
/// copied assignment.
fn checked(text: &str, what: &'static str) -> Result<String, InputError> {
    let is_token = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains(['"', '\'']);
    match text {
        "" => Err(InputError::Empty(what)),
        text if is_token && (text.len() as u64) < LONGEST => Ok(text.to_owned()),
        _ => Err(InputError::NotAToken(what)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_of_visible_ascii() {
        assert!(matches!(checked("v1.MRjd_x-y~+/=", "token"), Ok(text) if text == "v1.MRjd_x-y~+/="));
        assert!(matches!(checked("", "token"), Err(InputError::Empty(_))));
        for text in ["two words", "'quoted'", "\"quoted\"", "caf\u{e9}", "a\nb", "a\0b"] {
            assert!(matches!(checked(text, "token"), Err(InputError::NotAToken(_))), "{text}");
        }
    }
}
