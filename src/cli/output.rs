//! Data to stdout, talk to stderr.
//!
//! A reader that has gone, as in `check | head`, is no reason to panic, which the standard macros would do.

use std::{
    fmt::Display,
    io::{ErrorKind, Write, stderr, stdout},
};

use super::failure::Failure;

/// A line for whoever asked.
pub(super) fn data(line: &dyn Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// What a command is run for: a full disk is a failure, though a reader that has gone is none.
pub(super) fn deliver(text: &str) -> Result<(), Failure> {
    match writeln!(stdout(), "{text}").and_then(|()| stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// A line for whoever watches.
pub(super) fn talk(line: &dyn Display) {
    let _ = writeln!(stderr(), "{line}");
}
