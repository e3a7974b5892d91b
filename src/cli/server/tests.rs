//! How long a command waits for a token of a server.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use time::OffsetDateTime;
use tokio::net::TcpListener;

use super::*;
use crate::{
    clock::ClockControl,
    config::{LogFormat, TelemetryConfig},
};

/// How the server responds to a request for a token.
#[derive(Clone, Copy)]
enum Reply {
    Token,
    /// After so many seconds.
    Unavailable(u64),
    /// Never; so many seconds pass.
    None(u64),
}

async fn respond(reply: Reply, hand: ClockControl) -> Response {
    match reply {
        Reply::Token => r#"{"access_token": "a-token"}"#.into_response(),
        Reply::Unavailable(seconds) => {
            hand.advance(Duration::from_secs(seconds));
            let body =
                r#"{"type": "urn:videoask-auth:provider-unavailable", "detail": "It takes long.", "request_id": "1"}"#;
            (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, PROBLEM)], body).into_response()
        }
        Reply::None(seconds) => {
            hand.advance(Duration::from_secs(seconds));
            pending().await
        }
    }
}

/// A token of a server that responds like this, one answer after the other; how often it was asked; what time passed.
async fn ask(replies: &'static [Reply]) -> (Result<String, CliError>, usize, Duration) {
    let (clock, hand) = Clock::manual(OffsetDateTime::UNIX_EPOCH);
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let handler = move || respond(replies[counted.fetch_add(1, Ordering::SeqCst)], hand.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let routes = Router::new().route("/api/token", get(handler));
    let server = tokio::spawn(async { axum::serve(listener, routes).await });
    let config = ServerConfig {
        url: url.parse().expect("a URL"),
        api_key: "key-0123456789abcdef0123456789abcdef".to_owned().into(),
        telemetry: TelemetryConfig { filter: None, format: LogFormat::Text },
    };
    let asking = Server::new(&config, clock.clone()).expect("a client");
    let token = asking.token(None, None, None).await.map(|token| token.secret().clone());
    server.abort();
    (token, asked.load(Ordering::SeqCst), clock.monotonic())
}

fn is_unavailable(result: &Result<String, CliError>) -> bool {
    matches!(result, Err(CliError::RemoteServer(error)) if error.is(ProblemType::ProviderUnavailable))
}

#[tokio::test]
async fn a_refresh_that_outlasts_a_request_is_asked_for_once_more() {
    let (token, asked, _) = ask(&[Reply::Unavailable(30), Reply::Token]).await;
    assert_eq!((token.ok().as_deref(), asked), (Some("a-token"), 2));
    let (token, asked, _) = ask(&[Reply::Unavailable(30), Reply::Unavailable(1)]).await;
    assert_eq!((is_unavailable(&token), asked), (true, 2));
}

#[tokio::test]
async fn forty_seconds_are_the_limit_as_beside_the_store() {
    let (token, asked, passed) = ask(&[Reply::Unavailable(30), Reply::None(10)]).await;
    assert_eq!((is_unavailable(&token), asked, passed), (true, 2, Duration::from_secs(40)));
}

#[tokio::test]
async fn a_refresh_that_failed_is_not_asked_for_again() {
    let (token, asked, _) = ask(&[Reply::Unavailable(3)]).await;
    assert_eq!((is_unavailable(&token), asked), (true, 1));
}
