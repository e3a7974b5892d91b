//! The body of a request, from a file or from stdin, read as fast as it is sent.

use std::{
    convert::Infallible,
    fs::File,
    io::{self, IsTerminal, Read, stdin},
    path::PathBuf,
    pin::Pin,
    str::FromStr,
    task::{Context, Poll},
    thread,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::cli::{error::CallError, output};

/// A body up to this size, in bytes, is read before it is sent, so that its length can be announced.
const READ_AHEAD: u64 = 1 << 20;
const CHUNK: u64 = 64 * 1024;
/// So many chunks wait to be sent.
const WAITING: usize = 2;

#[derive(Clone, Debug)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
}

pub(super) struct InputBody {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    /// How much is still to come, if that is known.
    left: Option<u64>,
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" { Self::Stdin } else { Self::File(text.into()) })
    }
}

impl Input {
    /// Opens it. Called before any signal is handled, so that Ctrl-C ends the wait for stdin.
    pub(super) fn open(&self) -> Result<InputBody, CallError> {
        let opened = match self {
            Self::Stdin => {
                if stdin().is_terminal() {
                    output::note(&"Enter the body, and end it with Ctrl-D:");
                }
                InputBody::read(stdin(), None)
            }
            Self::File(path) => File::open(path).and_then(|file| {
                let metadata = file.metadata()?;
                InputBody::read(file, metadata.is_file().then_some(metadata.len()))
            }),
        };
        opened.map_err(|source| CallError::Input { name: self.name(), source })
    }

    fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl InputBody {
    pub(super) fn none() -> Self {
        Self { chunks: mpsc::channel(1).1, left: Some(0) }
    }

    fn read(mut input: impl Read + Send + 'static, length: Option<u64>) -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(WAITING);
        let start = read_up_to(&mut input, READ_AHEAD)?;
        let is_whole = (start.len() as u64) < READ_AHEAD;
        let left = if is_whole { Some(start.len() as u64) } else { length };
        // A read from stdin cannot be cancelled, and the end of the process does not wait for this thread.
        thread::spawn(move || {
            let mut chunk = Ok(start);
            while !matches!(&chunk, Ok(chunk) if chunk.is_empty()) {
                let is_last = is_whole || chunk.is_err();
                if sender.blocking_send(chunk).is_err() || is_last {
                    return;
                }
                chunk = read_up_to(&mut input, CHUNK);
            }
        });
        Ok(Self { chunks, left })
    }
}

fn read_up_to(input: &mut impl Read, limit: u64) -> io::Result<Bytes> {
    let mut chunk = Vec::new();
    input.take(limit).read_to_end(&mut chunk)?;
    Ok(chunk.into())
}

impl Body for InputBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.chunks.poll_recv(cx).map(|chunk| {
            let chunk = chunk?.map(|chunk| {
                self.left = self.left.map(|left| left.saturating_sub(chunk.len() as u64));
                Frame::data(chunk)
            });
            Some(chunk)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
