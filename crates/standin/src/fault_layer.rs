//! The middleware that counts every request and makes it fail as planned.

use std::{future::ready, io, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::MethodRouter,
};
use futures_util::stream;
use serde_json::json;
use time::format_description::well_known::Rfc2822;
use tokio::{sync::watch, time::sleep};

use super::{
    StandIn, authorize,
    caller::ApiError,
    connection::Connection,
    faults::{Endpoint, Fault},
};

const MIB: usize = 1024 * 1024;

pub(super) fn with_faults(
    standin: &StandIn,
    endpoint: Endpoint,
    methods: MethodRouter<StandIn>,
) -> MethodRouter<StandIn> {
    methods.layer(middleware::from_fn_with_state((standin.clone(), endpoint), inject))
}

async fn inject(State((standin, endpoint)): State<(StandIn, Endpoint)>, request: Request, next: Next) -> Response {
    // Subscribes before the request is counted, because a test that sees it counted may release its reply.
    let released = standin.0.releases.subscribe();
    let fault = standin.locked(|state| {
        *state.counters.requests.entry(endpoint).or_default() += 1;
        let fault = state.faults.take(endpoint);
        state.counters.planned += u64::from(fault.is_some());
        fault
    });
    let connection =
        request.extensions().get::<ConnectInfo<Connection>>().map(|info| info.0.clone()).unwrap_or_default();
    let answer = match fault {
        None => next.run(request).await,
        Some(fault) => apply(&standin, endpoint, fault, &connection, released, request, next).await,
    };
    if endpoint.is_api() && !connection.is_cut() {
        standin.locked(|state| *state.counters.api_answers.entry(answer.status().as_u16()).or_default() += 1);
    }
    answer
}

async fn apply(
    standin: &StandIn,
    endpoint: Endpoint,
    fault: Fault,
    connection: &Connection,
    mut released: watch::Receiver<()>,
    request: Request,
    next: Next,
) -> Response {
    let pause = async |ms| sleep(Duration::from_millis(ms)).await;
    match fault {
        Fault::Slow { ms } => slowly(next, request, connection, pause(ms), ready(())).await,
        Fault::SlowReply { ms } => slowly(next, request, connection, ready(()), pause(ms)).await,
        Fault::HeldReply => {
            let ending = standin.clone();
            let released = async move {
                tokio::select! {
                    _ = released.changed() => {}
                    () = ending.closing() => {}
                }
            };
            slowly(next, request, connection, ready(()), released).await
        }
        Fault::Hang => hang(standin, connection).await,
        Fault::HangAfter => {
            next.run(request).await;
            hang(standin, connection).await
        }
        Fault::Cut => cut(connection),
        Fault::ReplyLost => {
            next.run(request).await;
            cut(connection)
        }
        Fault::CutHalfway => truncated(next.run(request).await).await,
        Fault::HugeBody => padded(next.run(request).await).await,
        Fault::Status { status } => status_code(status).into_response(),
        Fault::Html { status } => (status_code(status), Html(GATEWAY_PAGE)).into_response(),
        Fault::TooManyRequests { reset_in, retry_after } => too_many(standin, reset_in, retry_after),
        Fault::Error { error, description, .. } if endpoint == Endpoint::Authorize => {
            authorize::refuse(standin, request.uri(), &error, &description)
        }
        Fault::Error { status, error, description } => {
            (status_code(status), Json(json!({"error": error, "error_description": description}))).into_response()
        }
        Fault::Unauthorized => ApiError(StatusCode::UNAUTHORIZED, "Token has expired.".into()).into_response(),
        Fault::Redirect => Redirect::temporary(&standin.url(&standin.api_path("/echo/redirected"))).into_response(),
    }
}

const GATEWAY_PAGE: &str = "<!doctype html><html><head><title>Bad gateway</title></head>\
    <body><h1>Bad gateway</h1><p>The server had a bad day.</p></body></html>";

/// Processes the request in its own task: a provider does not stop when the client disconnects.
async fn slowly(
    next: Next,
    request: Request,
    connection: &Connection,
    before: impl Future<Output = ()> + Send + 'static,
    after: impl Future<Output = ()> + Send + 'static,
) -> Response {
    let counted = connection.clone();
    let acting = tokio::spawn(async move {
        // Reads the whole request first, so that a disconnect cannot cut it off later.
        let Ok(request) = whole_request(request).await else { return StatusCode::BAD_REQUEST.into_response() };
        before.await;
        let answer = next.run(request).await;
        after.await;
        drop(counted);
        answer
    });
    acting.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn whole_request(request: Request) -> Result<Request, axum::Error> {
    let (parts, body) = request.into_parts();
    Ok(Request::from_parts(parts, Body::from(axum::body::to_bytes(body, usize::MAX).await?)))
}

async fn hang(standin: &StandIn, connection: &Connection) -> Response {
    standin.closing().await;
    cut(connection)
}

/// Closes the connection. The response is never written, so its content does not matter.
fn cut(connection: &Connection) -> Response {
    connection.cut();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Announces the length of the whole body, and sends half of it.
async fn truncated(answer: Response) -> Response {
    let (parts, body) = whole(answer).await;
    let half = body.slice(..body.len() / 2);
    let chunks = stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // Lets the first half be sent: the server drops its buffer when the body fails.
        sleep(Duration::from_millis(20)).await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
    });
    let mut answer = Response::from_parts(parts, Body::from_stream(chunks));
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    answer
}

/// Adds spaces, so that only the size of the response is wrong.
async fn padded(answer: Response) -> Response {
    let (mut parts, body) = whole(answer).await;
    let mut padded = body.to_vec();
    padded.resize(body.len() + MIB, b' ');
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(padded))
}

async fn whole(answer: Response) -> (axum::http::response::Parts, Bytes) {
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await;
    (parts, body.expect("our own answers are made in memory and cannot break off"))
}

fn too_many(standin: &StandIn, reset_in: Option<i64>, retry_after: Option<u64>) -> Response {
    let body = json!({"error": "too_many_requests", "error_description": "Global limit has been reached"});
    let mut answer = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    if let Some(seconds) = reset_in {
        let at = standin.now().unix_timestamp() + seconds;
        answer.headers_mut().insert("x-ratelimit-reset", HeaderValue::from(at));
    }
    if let Some(seconds) = retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Sets `Date` by the stand-in's clock, which may be offset. The server would use the system's.
pub(super) async fn date(State(standin): State<StandIn>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let date = standin.now().to_offset(time::UtcOffset::UTC).format(&Rfc2822).unwrap_or_default();
    if let Ok(date) = HeaderValue::try_from(date.replace("+0000", "GMT")) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}
