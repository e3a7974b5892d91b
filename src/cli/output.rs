//! Data to stdout, talk to stderr.
//!
//! A reader that has gone, as in `check | head`, is no reason to panic, which the standard macros would do.

use std::{
    fmt::Display,
    io::{Write, stderr, stdout},
};

/// A line for whoever asked.
pub(super) fn data(line: &dyn Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// A line for whoever watches.
pub(super) fn talk(line: &dyn Display) {
    let _ = writeln!(stderr(), "{line}");
}
