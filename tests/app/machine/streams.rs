//! The proxy streams bodies in both directions, and ends them when either side ends.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::{Body, Method};
use serde_json::Value;
use standin::{Endpoint, Fault};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use crate::support::{KEY, TestServer, api_client::keep_mode, listen};

const SILENCE: Duration = Duration::from_secs(60);
const ALMOST: Duration = Duration::from_secs(59);

/// A body that a test sends piece by piece.
fn piecewise() -> (mpsc::UnboundedSender<&'static str>, Body) {
    let (pieces, coming) = mpsc::unbounded_channel();
    let body = stream::unfold(coming, async |mut coming| {
        let piece: &str = coming.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), coming))
    });
    (pieces, Body::wrap_stream(body))
}

/// Limits a wait in real time, so that a failing test does not hang.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it comes at once")
}

async fn settled(server: &TestServer) {
    soon(async {
        while server.standin.counters().open_streams > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn each_piece_passes_before_the_next_is_sent() {
    let server = TestServer::with_ada_connected().await;
    let (pieces, body) = piecewise();
    pieces.send("one").expect("the body is open");
    let answer =
        server.api_client().request(Method::POST, "/proxy/streams/back").body(body).send().await.expect("a head");
    assert_eq!(answer.status(), 200);
    let mut back = answer.bytes_stream();
    for next in ["two", "three"] {
        back.next().await.expect("it is open").expect("it is whole");
        // In all, this takes far longer than any timeout for a whole request would permit.
        server.pass(ALMOST);
        pieces.send(next).expect("the body is open");
    }
    assert_eq!(back.next().await.expect("it is open").expect("it is whole"), "three");
    drop(pieces);
    assert!(back.next().await.is_none());
    settled(&server).await;
}

#[tokio::test]
async fn a_body_may_take_its_time_as_long_as_it_moves() {
    let server = TestServer::with_ada_connected().await;
    let (pieces, body) = piecewise();
    let asking = tokio::spawn(server.api_client().request(Method::POST, "/proxy/echo").body(body).send());
    for read in 1..=3 {
        pieces.send("x").expect("the body is open");
        while server.standin.counters().bytes_read < read {
            tokio::task::yield_now().await;
        }
        server.pass(ALMOST);
    }
    drop(pieces);
    assert_eq!(asking.await.expect("no panic").expect("an answer").status(), 200);
}

#[tokio::test]
async fn an_answer_may_take_its_time_as_long_as_it_moves() {
    let server = TestServer::with_ada_connected().await;
    let answer = server.api_client().request(Method::GET, "/proxy/streams/fed").send().await.expect("a head");
    let mut pieces = answer.bytes_stream();
    for piece in ["one", "two", "three"] {
        server.standin.feed(piece);
        assert_eq!(pieces.next().await.expect("it is open").expect("it is whole"), piece);
        server.pass(ALMOST);
    }
    server.standin.end_feeds();
    assert!(pieces.next().await.is_none());
    settled(&server).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_request_at_videoask() {
    let server = TestServer::with_ada_connected().await;
    let answer =
        server.api_client().request(Method::GET, "/proxy/streams/zeros/1000000000").send().await.expect("a head");
    assert_eq!(server.standin.counters().open_streams, 1);
    drop(answer);
    settled(&server).await;

    let (pieces, body) = piecewise();
    pieces.send("half").expect("the body is open");
    let answer =
        server.api_client().request(Method::POST, "/proxy/streams/back").body(body).send().await.expect("a head");
    assert_eq!(server.standin.counters().open_streams, 1);
    drop((answer, pieces));
    settled(&server).await;
}

#[tokio::test]
async fn an_answer_that_videoask_breaks_off_is_not_taken_for_a_whole_one() {
    let server = TestServer::with_ada_connected().await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::CutHalfway));
    let answer = server.api_client().request(Method::GET, "/proxy/forms").send().await.expect("a head");
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn a_body_that_the_caller_breaks_off_is_not_taken_for_a_whole_one() {
    let server = TestServer::with_ada_connected().await;
    let head = format!(
        "POST /proxy/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let answer = server.raw(&format!("{head}4\r\nhalf\r\nnonsense\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("urn:videoask-auth:invalid-request"), "{answer}");
    assert_eq!(server.standin.counters().api_answers.get(&200), None);
}

#[tokio::test]
async fn a_minute_of_silence_is_the_end() {
    let server = TestServer::with_ada_connected().await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::Hang));
    let asking = tokio::spawn({
        let machine = server.api_client();
        async move { machine.get("/proxy/forms").await }
    });
    while server.standin.counters().requests_to(Endpoint::Forms) == 0 {
        tokio::task::yield_now().await;
    }
    server.pass(ALMOST);
    tokio::task::yield_now().await;
    assert!(!asking.is_finished());
    server.pass(Duration::from_secs(1));
    asking.await.expect("no panic").is_problem(502, "upstream-unavailable");

    let answer = server.api_client().request(Method::GET, "/proxy/streams/fed").send().await.expect("a head");
    let mut pieces = answer.bytes_stream();
    server.standin.feed("one");
    pieces.next().await.expect("it is open").expect("it is whole");
    let end = tokio::spawn(async move { pieces.next().await });
    server.pass(ALMOST);
    tokio::task::yield_now().await;
    assert!(!end.is_finished());
    server.pass(Duration::from_secs(1));
    assert!(soon(end).await.expect("no panic").expect("it does not end quietly").is_err());
    settled(&server).await;
}

#[tokio::test]
async fn a_request_whose_body_is_not_whole_yet_is_not_sent_again() {
    let server = TestServer::with_ada_connected().await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Echo, 1, Fault::Unauthorized));
    let mut connection = server.connection().await;
    let head = format!(
        "POST /proxy/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 10\r\n\r\nhalf."
    );
    connection.write_all(head.as_bytes()).await.expect("the app listens");
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).await.expect("an answer before the end of the body");
    assert_eq!(&answer, b"HTTP/1.1 401");
    let counters = server.standin.counters();
    assert_eq!((counters.requests_to(Endpoint::Echo), counters.refresh_exchanges), (1, 0));
}

#[tokio::test]
async fn a_caller_that_stops_sending_is_told_so_and_ends_the_request_at_videoask() {
    let server = TestServer::with_ada_connected().await;
    let (pieces, body) = piecewise();
    let asking = tokio::spawn(server.api_client().request(Method::POST, "/proxy/echo").body(body).send());
    pieces.send("x").expect("the body is open");
    while server.standin.counters().bytes_read == 0 {
        tokio::task::yield_now().await;
    }
    server.pass(SILENCE);
    let answer = asking.await.expect("no panic").expect("an answer");
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (400.try_into().expect("a status"), &"application/problem+json".parse().expect("a value"))
    );

    // A response that started before the request body ended is ended too.
    let early = server.api_client().request(Method::POST, "/proxy/streams/back").body(piecewise().1);
    let (pieces, body) = piecewise();
    let answer = early.body(body).send().await.expect("a head");
    assert_eq!(server.standin.counters().open_streams, 1);
    server.pass(SILENCE);
    settled(&server).await;
    assert!(answer.bytes().await.is_err());
    drop(pieces);
}

#[tokio::test]
async fn a_body_that_is_answered_before_its_end_is_not_waited_for_without_end() {
    let api = listen().await;
    let address = api.local_addr().expect("an address");
    let server = TestServer::with_ada_connected().await;
    let setup = keep_mode().beside(&server).var("VIDEOASK_API_URL", format!("http://{address}"));
    let server = setup.start().await;
    let (pieces, body) = piecewise();
    pieces.send("half").expect("the body is open");
    let asking = tokio::spawn(server.api_client().request(Method::POST, "/proxy/forms").body(body).send());
    let (mut connection, _) = api.accept().await.expect("the app connects");
    let mut request = [0; 4096];
    while !String::from_utf8_lossy(&request).contains("half") {
        let read = connection.read(&mut request).await.expect("the app sends");
        assert_ne!(read, 0);
    }
    connection.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").await.expect("the app reads");
    assert_eq!(soon(asking).await.expect("no panic").expect("an answer").status(), 413);
    server.pass(SILENCE);
    // The connection ends, with a response or with a reset.
    let _ = soon(connection.read_to_end(&mut Vec::new())).await;
    drop(pieces);
}

#[tokio::test]
async fn a_body_without_a_length_passes_with_any_method() {
    let server = TestServer::with_ada_connected().await;
    let sent = |method: Method| {
        let body = Body::wrap_stream(stream::iter(["all ", "of it"].map(Ok::<_, std::io::Error>)));
        // The test's client would otherwise leave this header out for some methods.
        let request = server.api_client().request(method, "/proxy/echo").header("transfer-encoding", "chunked");
        request.body(body).send()
    };
    for method in [Method::GET, Method::DELETE, Method::POST] {
        let seen: Value = sent(method.clone()).await.expect("an answer").json().await.expect("whole");
        assert_eq!(seen["body"]["text"], "all of it", "{method}");
    }
    // Such a request can be sent again like any other.
    server.standin.change_faults(|faults| faults.next(Endpoint::Echo, 1, Fault::Unauthorized));
    let seen: Value = sent(Method::GET).await.expect("an answer").json().await.expect("whole");
    assert_eq!(seen["body"]["text"], "all of it");
}
