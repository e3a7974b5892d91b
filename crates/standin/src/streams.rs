//! Slow and large bodies of the API, to test that a proxy in between streams.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::HeaderMap,
    response::IntoResponse,
    routing::{any, get},
};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use super::{StandIn, caller::Caller, fault_layer, faults::Endpoint};

const CHUNK: usize = 64 * 1024;

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    let guarded = |methods| fault_layer::with_faults(standin, Endpoint::Echo, methods);
    Router::new()
        .route(&standin.api_path("/streams/back"), guarded(any(back)))
        .route(&standin.api_path("/streams/zeros/{length}"), guarded(get(zeros)))
        .route(&standin.api_path("/streams/fed"), guarded(get(fed)))
}

/// Returns the request body while it arrives.
async fn back(State(standin): State<StandIn>, Caller(_): Caller, headers: HeaderMap, body: Body) -> impl IntoResponse {
    let length = headers.get("content-length").map(|length| [("content-length", length.clone())]);
    (length, Body::from_stream(CountedBody::new(standin, body.into_data_stream())))
}

/// Returns this many bytes.
async fn zeros(State(standin): State<StandIn>, Caller(_): Caller, Path(length): Path<usize>) -> impl IntoResponse {
    let whole = stream::iter(std::iter::repeat_n(CHUNK, length / CHUNK));
    let chunks = whole.chain(stream::iter([length % CHUNK])).map(|length| io::Result::Ok(zeros_of(length)));
    ([("content-length", length.to_string())], Body::from_stream(CountedBody::new(standin, chunks)))
}

/// Returns what [`StandIn::feed`] is given, until [`StandIn::end_feeds`].
async fn fed(State(standin): State<StandIn>, Caller(_): Caller) -> impl IntoResponse {
    let (feed, coming) = mpsc::unbounded_channel();
    standin.locked(|state| state.feeds.push(feed));
    let pieces = stream::unfold(coming, async |mut coming| Some((io::Result::Ok(coming.recv().await?), coming)));
    Body::from_stream(CountedBody::new(standin, Box::pin(pieces)))
}

impl StandIn {
    /// Sends a chunk to every open `/streams/fed`.
    pub fn feed(&self, piece: &'static str) {
        // A stream whose client has disconnected is dropped.
        self.locked(|state| state.feeds.retain(|feed| feed.send(Bytes::from_static(piece.as_bytes())).is_ok()));
    }

    /// Ends every open `/streams/fed`.
    pub fn end_feeds(&self) {
        self.locked(|state| state.feeds.clear());
    }
}

fn zeros_of(length: usize) -> Bytes {
    static ZEROS: [u8; CHUNK] = [0; CHUNK];
    Bytes::from_static(&ZEROS[..length])
}

/// A body that counts as open until it ends or the client disconnects.
struct CountedBody<S> {
    standin: StandIn,
    chunks: S,
}

impl<S> CountedBody<S> {
    fn new(standin: StandIn, chunks: S) -> Self {
        standin.locked(|state| state.counters.open_streams += 1);
        Self { standin, chunks }
    }
}

impl<S> Drop for CountedBody<S> {
    fn drop(&mut self) {
        // The counters may have been reset meanwhile.
        self.standin.locked(|state| {
            state.counters.open_streams = state.counters.open_streams.saturating_sub(1);
        });
    }
}

impl<S: Stream + Unpin> Stream for CountedBody<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.chunks.poll_next_unpin(cx)
    }
}
