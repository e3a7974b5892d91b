//! One HTTP connection, closed when its client stays silent for too long.
//!
//! hyper has one timeout for "waits for a request" and "receives its head". They differ here: a kept-alive connection
//! may be idle for a minute, but nobody needs a minute to send a head. So a connection is dropped by its [`Phase`].

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::Request,
};
use http_body::{Frame, SizeHint};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::Watcher};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
};
use tower::ServiceExt;

use crate::app::stopped;

/// How long a request head may take, from the accepted connection or from its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle between two requests.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest request head; a longer one is 431.
const HEAD_LIMIT: usize = 32 * 1024;
/// The most that one connection buffers in each direction. hyper's default is 400 KiB.
const BUFFER_LIMIT: usize = 64 * 1024;

/// Serves one connection until either side ends it. After `stopping`, it is dropped unless a request is in flight.
pub(super) async fn serve<S>(stream: S, router: Router, watcher: Watcher, stopping: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let progress = Progress::default();
    let io = TokioIo::new(TrackedStream { stream, progress: progress.clone() });
    let service = service_fn(|request: Request<Incoming>| {
        // Set before anything is awaited: from here on the request counts as in flight.
        let in_flight = progress.begin();
        let response = router.clone().oneshot(request.map(Body::new));
        async move { Ok::<_, Infallible>(response.await?.map(|body| TrackedBody { body, _in_flight: in_flight })) }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_header_size(HEAD_LIMIT)
        .max_buf_size(BUFFER_LIMIT)
        .serve_connection(io, service);
    tokio::select! {
        biased;
        ended = watcher.watch(connection) => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = progress.overdue(stopping) => {}
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// It is new, or has sent a part of a request head.
    #[default]
    Head,
    /// A request is in flight.
    Request,
    /// The response is complete, and may be in hyper's buffer still.
    Responded,
    /// It is kept alive between two requests.
    Idle,
}

impl Phase {
    /// How long this may last. What limits a request and its response is their own concern.
    fn limit(self) -> Option<Duration> {
        match self {
            Self::Head => Some(HEAD_TIMEOUT),
            Self::Idle => Some(IDLE_TIMEOUT),
            Self::Request | Self::Responded => None,
        }
    }
}

/// The phase of a connection, shared by its stream, its requests and its timer.
#[derive(Clone, Debug, Default)]
struct Progress(Arc<watch::Sender<Phase>>);

impl Progress {
    /// A request head is complete.
    fn begin(&self) -> InFlight {
        self.0.send_replace(Phase::Request);
        InFlight(self.clone())
    }

    fn change(&self, from: Phase, to: Phase) {
        self.0.send_if_modified(|phase| {
            let applies = *phase == from;
            if applies {
                *phase = to;
            }
            applies
        });
    }

    /// Completes when the client has been silent for too long, or when it has no request in flight after `stopping`.
    async fn overdue(&self, stopping: watch::Receiver<()>) {
        let mut phases = self.0.subscribe();
        let mut stopped = std::pin::pin!(stopped(stopping));
        loop {
            let limit = phases.borrow_and_update().limit();
            tokio::select! {
                // Never closed: `self` is its sender.
                _ = phases.changed() => {}
                () = tokio::time::sleep(limit.unwrap_or_default()), if limit.is_some() => return,
                () = &mut stopped, if limit.is_some() => return,
            }
        }
    }
}

/// A request in flight, until its response is complete.
struct InFlight(Progress);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.change(Phase::Request, Phase::Responded);
    }
}

/// A response's body, which hyper drops once all of it is in its write buffer.
struct TrackedBody {
    body: Body,
    _in_flight: InFlight,
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
struct TrackedStream<S> {
    stream: S,
    progress: Progress,
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

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::routing::get;
    use futures_util::{StreamExt, stream};
    use hyper_util::server::graceful::GracefulShutdown;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        task::JoinHandle,
        time::{Instant, sleep, timeout},
    };

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const HALF: &[u8] = b"GET / HTTP/1.1\r\nHost:";

    /// The client's end of a connection, under tokio's paused time.
    struct Client {
        stream: DuplexStream,
        served: JoinHandle<()>,
        stop: watch::Sender<()>,
        graceful: GracefulShutdown,
    }

    impl Client {
        fn connect(router: Router) -> Self {
            let (stream, theirs) = duplex(1024);
            let (stop, stopping) = watch::channel(());
            let graceful = GracefulShutdown::new();
            let served = tokio::spawn(serve(theirs, router, graceful.watcher(), stopping));
            Self { stream, served, stop, graceful }
        }

        /// Sends a request and reads the answer, which ends with `end`.
        async fn request(&mut self, end: &str) -> String {
            self.stream.write_all(REQUEST).await.expect("the server reads");
            self.answer(end).await
        }

        async fn answer(&mut self, end: &str) -> String {
            let mut answer = Vec::new();
            while !answer.ends_with(end.as_bytes()) {
                assert_ne!(self.stream.read_buf(&mut answer).await.expect("the server answers"), 0, "cut: {answer:?}");
            }
            String::from_utf8(answer).expect("text")
        }

        /// How long it takes until the server closes the connection.
        async fn time_to_close(&mut self) -> Duration {
            let from = now();
            (&mut self.served).await.expect("it does not panic");
            now().duration_since(from)
        }
    }

    #[expect(clippy::disallowed_methods, reason = "it is tokio's paused clock")]
    fn now() -> Instant {
        Instant::now()
    }

    fn hello() -> Router {
        Router::new().route("/", get(async || "hello"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_must_arrive_within_ten_seconds() {
        for sent in [&b""[..], b"G", HALF] {
            let mut client = Client::connect(hello());
            client.stream.write_all(sent).await.unwrap();
            assert_eq!(client.time_to_close().await, HEAD_TIMEOUT, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_gets_no_more_time() {
        let mut client = Client::connect(hello());
        let from = now();
        for byte in REQUEST {
            sleep(Duration::from_secs(1)).await;
            if client.stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        client.time_to_close().await;
        assert!(
            now().duration_since(from) <= HEAD_TIMEOUT + Duration::from_secs(1),
            "{:?}",
            now().duration_since(from)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_lasts_a_minute() {
        let mut client = Client::connect(hello());
        for _ in 0..3 {
            client.request("hello").await;
            sleep(IDLE_TIMEOUT.saturating_sub(Duration::from_secs(1))).await;
        }
        client.request("hello").await;
        assert_eq!(client.time_to_close().await, IDLE_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn the_head_of_a_later_request_has_ten_seconds_from_its_first_byte() {
        let mut client = Client::connect(hello());
        client.request("hello").await;
        sleep(Duration::from_secs(30)).await;
        client.stream.write_all(HALF).await.unwrap();
        assert_eq!(client.time_to_close().await, HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_take_its_time() {
        let slow = Router::new().route(
            "/",
            get(async || {
                sleep(Duration::from_secs(600)).await;
                let chunks = stream::iter(["hel", "lo"]).then(async |chunk| {
                    sleep(Duration::from_secs(600)).await;
                    Ok::<_, Infallible>(chunk)
                });
                Body::from_stream(chunks)
            }),
        );
        let answer = Client::connect(slow).request("0\r\n\r\n").await;
        assert!(answer.contains("hel") && answer.contains("lo"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_slowly_is_not_cut() {
        let long = Router::new().route("/", get(async || "x".repeat(8 * 1024) + "end"));
        let mut client = Client::connect(long);
        client.stream.write_all(REQUEST).await.unwrap();
        sleep(IDLE_TIMEOUT * 2).await;
        client.answer("end").await;
    }

    #[tokio::test(start_paused = true)]
    async fn pipelined_requests_are_all_answered() {
        let mut client = Client::connect(hello());
        client.stream.write_all(&[REQUEST, REQUEST, HALF].concat()).await.unwrap();
        let answers = timeout(Duration::from_secs(1), async {
            client.answer("hello").await;
            client.stream.write_all(b" localhost\r\n\r\n").await.unwrap();
            client.answer("hello").await
        });
        assert!(answers.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_beyond_32_kib_is_431() {
        let (mut client, filler) = (Client::connect(hello()), "x".repeat(HEAD_LIMIT));
        client.stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
        // It stops reading in the middle.
        let _ = client.stream.write_all(filler.as_bytes()).await;
        let answer = client.answer("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(client.time_to_close().await.is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_drops_what_has_no_request_in_flight() {
        for sent in [&b""[..], HALF] {
            let mut client = Client::connect(hello());
            client.stream.write_all(sent).await.unwrap();
            sleep(Duration::from_secs(1)).await;
            drop(client.stop);
            let from = now();
            client.graceful.shutdown().await;
            (&mut client.served).await.unwrap();
            assert_eq!(now(), from, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_lets_a_request_in_flight_be_answered() {
        let slow = Router::new().route(
            "/",
            get(async || {
                sleep(Duration::from_secs(5)).await;
                "hello"
            }),
        );
        let Client { mut stream, stop, graceful, .. } = Client::connect(slow);
        stream.write_all(REQUEST).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        drop(stop);
        let from = now();
        graceful.shutdown().await;
        assert_eq!(now().duration_since(from), Duration::from_secs(4));
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_hangs_up_ends_its_connection() {
        let stuck = Router::new().route("/", get(async || pending::<&str>().await));
        let mut client = Client::connect(stuck);
        client.stream.write_all(REQUEST).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        drop(client.stream);
        client.served.await.unwrap();
    }
}
