//! One HTTP connection, closed when its client stays silent for too long.
//!
//! hyper has one timeout for "waits for a request" and "receives its head". They differ here: a kept-alive connection
//! may be idle for a minute, but nobody needs a minute to send a head. So a connection is dropped by its phase (`progress.rs`).

use std::convert::Infallible;

use axum::{body::Body, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::Watcher};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};

use crate::{
    app::progress::{Progress, TrackedBody, TrackedStream},
    web::AppService,
};

/// The longest request head; a longer one is 431.
const HEAD_LIMIT: usize = 32 * 1024;
/// The most that one connection buffers in each direction. hyper's default is 400 KiB.
const BUFFER_LIMIT: usize = 64 * 1024;

/// Serves one connection until either side ends it. After `stopping`, it is dropped unless a request is in flight.
pub(super) async fn serve<S>(stream: S, service: impl AppService, watcher: Watcher, stopping: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let progress = Progress::default();
    let io = TokioIo::new(TrackedStream { stream, progress: progress.clone() });
    let service = service_fn(|request: Request<Incoming>| {
        // Set before anything is awaited: from here on the request counts as in flight.
        let in_flight = progress.begin();
        let response = service.clone().call(request.map(Body::new));
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

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use axum::{Router, routing::get};
    use futures_util::{StreamExt, stream};
    use hyper_util::server::graceful::GracefulShutdown;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        task::JoinHandle,
        time::{Instant, sleep, timeout},
    };

    use super::*;
    use crate::app::progress::{HEAD_TIMEOUT, IDLE_TIMEOUT};

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
