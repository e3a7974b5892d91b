//! Results to stdout, notes to stderr.
//!
//! A reader that has gone, as in `check | head`, is no reason to panic, which the standard macros would do.

use std::{
    fmt::Display,
    fs::File,
    io::{self, ErrorKind, Write, stderr, stdout},
    os::fd::AsFd,
};

use tokio::io::AsyncWriteExt;

/// The result of a command could not be written.
#[derive(Debug, thiserror::Error)]
#[error("stdout cannot be written: {0}")]
pub(super) struct OutputError(io::Error);

/// Writes a line to stdout, where nothing depends on it.
pub(super) fn data(line: &dyn Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// Writes the result of a command to stdout: a full disk is a failure, though a reader that has gone is none.
pub(super) fn print_result(text: &str) -> Result<(), OutputError> {
    match writeln!(stdout(), "{text}").and_then(|()| stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(OutputError(error)),
        _ => Ok(()),
    }
}

/// Writes lines that end one by one to stdout. Behind a file's last line without an end, as in `>> .env`, they would
/// go on in that line, so they start on a new one.
pub(super) fn print_lines(text: &str) -> Result<(), OutputError> {
    let file = stdout().as_fd().try_clone_to_owned().map(File::from);
    let appends = file.and_then(|file| file.metadata()).is_ok_and(|file| file.is_file() && file.len() > 0);
    print_result(&format!("{}{}", if appends { "\n" } else { "" }, text.trim_end_matches('\n')))
}

/// Whether anybody still reads stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Present,
    Gone,
}

/// Stdout for a result of any length. A reader that is slow does not keep the command from stopping at a signal.
pub(super) struct Stream(tokio::io::Stdout);

impl Stream {
    pub(super) fn new() -> Self {
        Self(tokio::io::stdout())
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<Reader, OutputError> {
        let written = async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        };
        match written.await {
            Ok(()) => Ok(Reader::Present),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
            Err(error) => Err(OutputError(error)),
        }
    }
}

/// Writes a line for the person at the terminal to stderr.
pub(super) fn note(line: &dyn Display) {
    let _ = writeln!(stderr(), "{line}");
}
