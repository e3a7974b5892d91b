//! Results to stdout, notes to stderr.
//!
//! If the reader closes the pipe, as in `check | head`, the standard macros would panic. These functions do not.

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

/// Writes a line to stdout. A failure is ignored.
pub(super) fn data(line: &dyn Display) {
    let _ = writeln!(stdout(), "{line}");
}

/// Writes the result of a command to stdout. A full disk is a failure; a closed pipe is not.
pub(super) fn print_result(text: &str) -> Result<(), OutputError> {
    match writeln!(stdout(), "{text}").and_then(|()| stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(OutputError(error)),
        _ => Ok(()),
    }
}

/// Writes lines to stdout. If stdout is a file whose last line has no end, as may be with `>> .env`, a line break comes
/// first, so that they do not continue that line.
pub(super) fn print_lines(text: &str) -> Result<(), OutputError> {
    let file = stdout().as_fd().try_clone_to_owned().map(File::from);
    let appends = file.and_then(|file| file.metadata()).is_ok_and(|file| file.is_file() && file.len() > 0);
    print_result(&format!("{}{}", if appends { "\n" } else { "" }, text.trim_end_matches('\n')))
}

/// Whether the reader of stdout has not closed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Present,
    Gone,
}

/// Stdout for a result of any length. A slow reader does not prevent the command from stopping at a signal.
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
