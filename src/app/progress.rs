//! What a connection is doing, as its stream and its requests report it, and how long that may last.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::Instant,
};

/// How long a request head may take, from the accepted connection or from its first byte.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle between two requests.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// It is new, or has sent a part of a request head.
    #[default]
    Head,
    Request,
    /// The response is complete, and may be in hyper's buffer still.
    Responded,
    /// It is kept alive between two requests.
    Idle,
}

impl Phase {
    /// How long this phase may last. Requests and responses have time limits of their own.
    fn limit(self) -> Option<Duration> {
        match self {
            Self::Head => Some(HEAD_TIMEOUT),
            Self::Idle => Some(IDLE_TIMEOUT),
            Self::Request | Self::Responded => None,
        }
    }
}

/// The phase of a connection, shared by its stream, its requests and its timer. All of them run in the connection's own
/// task, and the timer is polled last, so a change wakes nobody.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicUsize>);

/// A phase, and how many there were before it: two that are alike can be told apart.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Step {
    phase: Phase,
    number: usize,
}

impl Progress {
    /// A request head is complete.
    pub(super) fn begin(&self) -> InFlight {
        self.enter(Phase::Request);
        InFlight(self.clone())
    }

    fn change(&self, from: Phase, to: Phase) {
        if self.step().phase == from {
            self.enter(to);
        }
    }

    fn enter(&self, phase: Phase) {
        let number = self.step().number.wrapping_add(1);
        // Nothing else is read or written by this order: it is all one task.
        self.0.store((number << 2) | phase as usize, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        let value = self.0.load(Ordering::Relaxed);
        let phase = [Phase::Head, Phase::Request, Phase::Responded, Phase::Idle][value & 3];
        Step { phase, number: value >> 2 }
    }

    /// Completes when the client has been silent for too long, or when it has no request in flight after `stopping`. It
    /// must be polled after the connection, in the same task; the one that says so to the connection wakes it to stop.
    pub(super) async fn overdue(&self, stopping: watch::Receiver<()>) {
        let mut timer = pin!(tokio::time::sleep(HEAD_TIMEOUT));
        // The connection may have got further before this is polled first.
        let mut timed_step = Step::default();
        poll_fn(|context| {
            let step = self.step();
            let Some(limit) = step.phase.limit() else { return Poll::Pending };
            if step != timed_step {
                // Later than before as a rule, which is much cheaper than another timer.
                timer.as_mut().reset(now() + limit);
                timed_step = step;
            }
            // Its sender says nothing, and is gone when the server stops.
            if stopping.has_changed().is_err() { Poll::Ready(()) } else { timer.as_mut().poll(context) }
        })
        .await;
    }
}

#[expect(clippy::disallowed_methods, reason = "tokio's timers take no other clock")]
fn now() -> Instant {
    Instant::now()
}

/// A request in flight, until its response is complete.
pub(super) struct InFlight(Progress);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.change(Phase::Request, Phase::Responded);
    }
}

/// A response's body, which hyper drops once all of it is in its write buffer.
pub(super) struct TrackedBody {
    pub(super) body: Body,
    pub(super) _in_flight: InFlight,
}

impl http_body::Body for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The stream of a connection, which sees when a head begins and when a response has left hyper's buffer.
pub(super) struct TrackedStream<S> {
    pub(super) stream: S,
    pub(super) progress: Progress,
}

impl<S: AsyncRead + Unpin> AsyncRead for TrackedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.progress.change(Phase::Idle, Phase::Head);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TrackedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// hyper flushes the stream after it has written all that it buffered.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.progress.change(Phase::Responded, Phase::Idle);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
