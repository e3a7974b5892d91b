//! Bodies of the API that take their time or are large: what a proxy in between must pass on as it comes.

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

use super::{StandIn, access_token::Caller, faults::Endpoint, guard};

const CHUNK: usize = 64 * 1024;

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    let guarded = |methods| guard::guarded(standin, Endpoint::Echo, methods);
    Router::new()
        .route(&standin.api_path("/streams/back"), guarded(any(back)))
        .route(&standin.api_path("/streams/zeros/{length}"), guarded(get(zeros)))
        .route(&standin.api_path("/streams/fed"), guarded(get(fed)))
}

/// Sends the body back while it comes.
async fn back(State(standin): State<StandIn>, Caller(_): Caller, headers: HeaderMap, body: Body) -> impl IntoResponse {
    let length = headers.get("content-length").map(|length| [("content-length", length.clone())]);
    (length, Body::from_stream(Counted::new(standin, body.into_data_stream())))
}

/// Sends so many bytes.
async fn zeros(State(standin): State<StandIn>, Caller(_): Caller, Path(length): Path<usize>) -> impl IntoResponse {
    let whole = stream::iter(std::iter::repeat_n(CHUNK, length / CHUNK));
    let chunks = whole.chain(stream::iter([length % CHUNK])).map(|length| io::Result::Ok(zeros_of(length)));
    ([("content-length", length.to_string())], Body::from_stream(Counted::new(standin, chunks)))
}

/// Sends what [`StandIn::feed`] is given, for as long as there is any.
async fn fed(State(standin): State<StandIn>, Caller(_): Caller) -> impl IntoResponse {
    let (feed, coming) = mpsc::unbounded_channel();
    standin.locked(|state| state.feeds.push(feed));
    let pieces = stream::unfold(coming, async |mut coming| Some((io::Result::Ok(coming.recv().await?), coming)));
    Body::from_stream(Counted::new(standin, Box::pin(pieces)))
}

impl StandIn {
    /// Sends a piece over every open `/streams/fed`.
    pub fn feed(&self, piece: &'static str) {
        // One that nobody listens to any more is no loss.
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

/// A body that is counted as open until it ended, or somebody lost interest.
struct Counted<S> {
    standin: StandIn,
    chunks: S,
}

impl<S> Counted<S> {
    fn new(standin: StandIn, chunks: S) -> Self {
        standin.locked(|state| state.counters.open_streams += 1);
        Self { standin, chunks }
    }
}

impl<S> Drop for Counted<S> {
    fn drop(&mut self) {
        // They may have been set back to nothing meanwhile.
        self.standin.locked(|state| {
            state.counters.open_streams = state.counters.open_streams.saturating_sub(1);
        });
    }
}

impl<S: Stream + Unpin> Stream for Counted<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.chunks.poll_next_unpin(cx)
    }
}
