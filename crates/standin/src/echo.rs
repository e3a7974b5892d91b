//! `/echo` of the API: tells the caller what arrived, byte for byte, so that a proxy in between can be judged.

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::TryStreamExt;
use ring::digest::{Context, SHA256};
use serde_json::{Value, json};

use super::{
    StandIn,
    access_token::{Caller, Detail},
    directory::hex,
    faults::Endpoint,
    guard,
};

/// Bodies up to this size come back as text, if they are text.
const SHOWN: usize = 64 * 1024;

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    ["/echo", "/echo/", "/echo/{*rest}"].into_iter().fold(Router::new(), |router, path| {
        router.route(&standin.api_path(path), guard::guarded(standin, Endpoint::Echo, any(echo)))
    })
}

/// Reads all of the body before anything else, as an API behind a buffering gateway does. `x-echo-status` sets the
/// status of the answer, and each `x-echo-header: name: value` adds a header to it.
async fn echo(
    State(standin): State<StandIn>,
    caller: Result<Caller, Detail>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Detail> {
    let body =
        describe(&standin, body).await.map_err(|_| Detail(StatusCode::BAD_REQUEST, "The body broke off.".into()))?;
    caller?;
    let status = text(&headers, "x-echo-status").parse().ok();
    let status = status.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::OK);
    let seen = json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query(),
        "headers": headers.iter().map(|(name, value)| json!([name.as_str(), lossy(value)])).collect::<Vec<_>>(),
        "body": body,
    });
    Ok((status, asked_for(&headers), Json(seen)).into_response())
}

async fn describe(standin: &StandIn, body: Body) -> Result<Value, axum::Error> {
    let mut hash = Context::new(&SHA256);
    let (mut length, mut start) = (0, Vec::new());
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.try_next().await? {
        hash.update(&chunk);
        length += chunk.len();
        standin.locked(|state| state.counters.bytes_read += chunk.len() as u64);
        start.extend_from_slice(&chunk[..chunk.len().min(SHOWN - start.len())]);
    }
    let shown = if length <= SHOWN { String::from_utf8(start).ok() } else { None };
    Ok(json!({"length": length, "sha256": hex(hash.finish().as_ref()), "text": shown}))
}

fn asked_for(headers: &HeaderMap) -> HeaderMap {
    let asked = headers.get_all("x-echo-header").iter().filter_map(|line| {
        let (name, value) = line.to_str().ok()?.split_once(':')?;
        Some((name.trim().parse::<HeaderName>().ok()?, value.trim().parse::<HeaderValue>().ok()?))
    });
    let mut answer = HeaderMap::new();
    for (name, value) in asked {
        answer.append(name, value);
    }
    answer
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}
