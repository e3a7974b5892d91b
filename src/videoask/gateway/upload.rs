//! The body of a request: streamed, and copied in case it has to be sent again.

use std::{
    error::Error,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use sync_wrapper::SyncWrapper;

use crate::videoask::gateway::idle_timeout::{BodyIdleTimeout, IdleTimer};

/// The longest body that is copied, in bytes.
const COPIED: usize = 1 << 20;

/// A body that can be sent to the API.
pub(crate) trait RequestBody:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{
}

impl<B> RequestBody for B where B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static
{}

/// The body for the HTTP client. Trailers are dropped.
pub(super) struct Upload<B> {
    body: SyncWrapper<B>,
    length: SizeHint,
    progress: Progress,
    silence: BodyIdleTimeout,
}

/// The progress of the body, for code outside the client.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<Stage>>);

enum Stage {
    /// More may arrive. A body that is too long is no longer copied.
    Coming(Option<BytesMut>, Turn),
    /// It is complete, with a copy unless it was too long.
    Arrived(Option<Bytes>),
    /// The caller broke it off, or stopped sending.
    Broken,
}

/// What the body waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The caller, to send more.
    Caller,
    /// VideoAsk, to read what arrived.
    Upstream,
}

/// Why a body is incomplete.
#[derive(Debug, thiserror::Error)]
pub(super) enum Incomplete {
    /// The connection broke off, or its data is no valid body.
    #[error("the caller's body broke off")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
    #[error("the caller's body stopped arriving")]
    Silent,
}

impl<B: RequestBody> Upload<B> {
    pub(super) fn new(body: B, idle_timer: IdleTimer) -> (Self, Progress) {
        let stage = if body.is_end_stream() {
            Stage::Arrived(Some(Bytes::new()))
        } else {
            Stage::Coming(Some(BytesMut::new()), Turn::Upstream)
        };
        let progress = Progress(Arc::new(Mutex::new(stage)));
        let (length, silence) = (body.size_hint(), BodyIdleTimeout::of(idle_timer));
        let upload = Self { body: SyncWrapper::new(body), length, progress: progress.clone(), silence };
        (upload, progress)
    }
}

impl<B: RequestBody> Body for Upload<B> {
    type Data = Bytes;
    type Error = Incomplete;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Incomplete>>> {
        let body = self.body.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
            self.progress.waits_for_caller();
            // Nothing else may be waiting for this: the response can arrive before the end of the body.
            ready!(self.silence.poll(cx));
            return Poll::Ready(Some(Err(self.progress.broken(Incomplete::Silent))));
        };
        // The client does not poll again once it has the announced length.
        let last = body.is_end_stream();
        self.silence.ended();
        let data = match frame {
            Some(Ok(frame)) => frame.into_data().ok(),
            Some(Err(error)) => {
                return Poll::Ready(Some(Err(self.progress.broken(Incomplete::Broken(error.into())))));
            }
            None => None,
        };
        self.progress.take(data.as_deref(), last);
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(*self.progress.stage(), Stage::Arrived(_))
    }

    fn size_hint(&self) -> SizeHint {
        self.length
    }
}

impl Progress {
    /// The copy of the body, if it was complete and not too long.
    pub(super) fn copy(&self) -> Option<Bytes> {
        match &*self.stage() {
            Stage::Arrived(copy) => copy.clone(),
            Stage::Coming(..) | Stage::Broken => None,
        }
    }

    /// Whether the caller broke it off, or stopped sending.
    pub(super) fn is_broken(&self) -> bool {
        matches!(*self.stage(), Stage::Broken)
    }

    /// Whether the body waits for the caller.
    pub(super) fn wants_more(&self) -> bool {
        matches!(*self.stage(), Stage::Broken | Stage::Coming(_, Turn::Caller))
    }

    /// Notes that the caller has to send more.
    fn waits_for_caller(&self) {
        if let Stage::Coming(_, turn) = &mut *self.stage() {
            *turn = Turn::Caller;
        }
    }

    fn broken(&self, why: Incomplete) -> Incomplete {
        *self.stage() = Stage::Broken;
        why
    }

    /// Notes a chunk, or the end.
    fn take(&self, chunk: Option<&[u8]>, last: bool) {
        let mut stage = self.stage();
        let Stage::Coming(copy, turn) = &mut *stage else { return };
        *turn = Turn::Upstream;
        match chunk {
            Some(chunk) if copy.as_ref().is_some_and(|copy| copy.len() + chunk.len() > COPIED) => *copy = None,
            Some(chunk) => copy.iter_mut().for_each(|copy| copy.extend_from_slice(chunk)),
            None => {}
        }
        if last || chunk.is_none() {
            *stage = Stage::Arrived(copy.take().map(BytesMut::freeze));
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        // Nothing panics while it is held, so the data behind a poisoned lock is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
