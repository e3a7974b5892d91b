//! Data to stdout, talk to stderr.
//!
//! A reader that has gone, as in `check | head`, is no reason to panic, which the standard macros would do.

use std::{
    fmt::Display,
    io::{ErrorKind, Write, stderr, stdout},
};

use crate::{cli::failure::Failure, telemetry};

/// A line of data.
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

/// Why a command failed: for a person, or a line of JSON for each problem.
pub(super) fn fail(failure: &Failure) {
    let lines: Option<Vec<String>> = failure.messages().iter().map(|message| telemetry::fatal_error(message)).collect();
    match lines {
        Some(lines) => lines.iter().for_each(|line| talk(line)),
        None => talk(failure),
    }
}

/// A line for the person at the terminal.
pub(super) fn talk(line: &dyn Display) {
    let _ = writeln!(stderr(), "{line}");
}
