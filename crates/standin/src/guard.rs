//! What every request passes: it is counted, and the mishap planned for it happens.

use std::{io, time::Duration};

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
use tokio::time::sleep;

use super::{
    StandIn,
    access_token::Detail,
    authorize,
    faults::{Endpoint, Mishap},
    wire::Wire,
};

const MIB: usize = 1024 * 1024;

/// Puts the guard in front of an endpoint's methods.
pub(super) fn guarded(standin: &StandIn, endpoint: Endpoint, methods: MethodRouter<StandIn>) -> MethodRouter<StandIn> {
    methods.layer(middleware::from_fn_with_state((standin.clone(), endpoint), guard))
}

async fn guard(State((standin, endpoint)): State<(StandIn, Endpoint)>, request: Request, next: Next) -> Response {
    let mishap = standin.locked(|state| {
        *state.counters.requests.entry(endpoint).or_default() += 1;
        let mishap = state.faults.take(endpoint);
        state.counters.mishaps += u64::from(mishap.is_some());
        mishap
    });
    let wire = request.extensions().get::<ConnectInfo<Wire>>().map(|wire| wire.0.clone()).unwrap_or_default();
    let answer = match mishap {
        None => next.run(request).await,
        Some(mishap) => befall(&standin, endpoint, mishap, &wire, request, next).await,
    };
    if endpoint.is_api() && !wire.is_cut() {
        standin.locked(|state| *state.counters.api_answers.entry(answer.status().as_u16()).or_default() += 1);
    }
    answer
}

async fn befall(
    standin: &StandIn,
    endpoint: Endpoint,
    mishap: Mishap,
    wire: &Wire,
    request: Request,
    next: Next,
) -> Response {
    match mishap {
        Mishap::Slow { ms } => unhurried(next, request, wire, Duration::from_millis(ms), Duration::ZERO).await,
        Mishap::SlowReply { ms } => unhurried(next, request, wire, Duration::ZERO, Duration::from_millis(ms)).await,
        Mishap::Hang => hang(standin, wire).await,
        Mishap::HangAfter => {
            next.run(request).await;
            hang(standin, wire).await
        }
        Mishap::Cut => cut(wire),
        Mishap::ReplyLost => {
            next.run(request).await;
            cut(wire)
        }
        Mishap::CutHalfway => halved(next.run(request).await).await,
        Mishap::HugeBody => padded(next.run(request).await).await,
        Mishap::Status { status } => code(status).into_response(),
        Mishap::Html { status } => (code(status), Html(GATEWAY_PAGE)).into_response(),
        Mishap::TooManyRequests { reset_in, retry_after } => too_many(standin, reset_in, retry_after),
        Mishap::Error { error, description, .. } if endpoint == Endpoint::Authorize => {
            authorize::refuse(standin, request.uri(), &error, &description)
        }
        Mishap::Error { status, error, description } => {
            (code(status), Json(json!({"error": error, "error_description": description}))).into_response()
        }
        Mishap::Unauthorized => Detail(StatusCode::UNAUTHORIZED, "Token has expired.".into()).into_response(),
        Mishap::Redirect => Redirect::temporary(&standin.url(&standin.api_path("/echo/redirected"))).into_response(),
    }
}

const GATEWAY_PAGE: &str = "<!doctype html><html><head><title>Bad gateway</title></head>\
    <body><h1>Bad gateway</h1><p>The server had a bad day.</p></body></html>";

/// Acts in a task of its own: a provider does not stop because the caller hung up.
async fn unhurried(next: Next, request: Request, wire: &Wire, before: Duration, after: Duration) -> Response {
    let counted = wire.clone();
    let acting = tokio::spawn(async move {
        // A request that breaks off is not acted on, and one that is whole does not break off later.
        let Ok(request) = whole_request(request).await else { return StatusCode::BAD_REQUEST.into_response() };
        sleep(before).await;
        let answer = next.run(request).await;
        sleep(after).await;
        drop(counted);
        answer
    });
    acting.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn whole_request(request: Request) -> Result<Request, axum::Error> {
    let (parts, body) = request.into_parts();
    Ok(Request::from_parts(parts, Body::from(axum::body::to_bytes(body, usize::MAX).await?)))
}

async fn hang(standin: &StandIn, wire: &Wire) -> Response {
    standin.closing().await;
    cut(wire)
}

/// The answer is never written, so it does not matter which it is.
fn cut(wire: &Wire) -> Response {
    wire.cut();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Announces the whole body and sends half of it.
async fn halved(answer: Response) -> Response {
    let (parts, body) = whole(answer).await;
    let half = body.slice(..body.len() / 2);
    let chunks = stream::unfold(Some(half), |half| async move {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        // A moment for the first half to leave, since the server drops what it still holds when the body fails.
        sleep(Duration::from_millis(20)).await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
    });
    let mut answer = Response::from_parts(parts, Body::from_stream(chunks));
    answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    answer
}

/// The right answer, with spaces behind it, so that only its size is wrong.
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

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Dates every answer by the clock here, which may be offset; the server would take the machine's.
pub(super) async fn date(State(standin): State<StandIn>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let date = standin.now().to_offset(time::UtcOffset::UTC).format(&Rfc2822).unwrap_or_default();
    if let Ok(date) = HeaderValue::try_from(date.replace("+0000", "GMT")) {
        answer.headers_mut().insert(header::DATE, date);
    }
    answer
}
