//! `/echo` of the API returns what it received, to test a proxy in between.

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::{
    StandIn,
    caller::{ApiError, Caller},
    fault_layer,
    faults::Endpoint,
};

/// Bodies up to this size, in bytes, are returned as text if they are UTF-8.
const SHOWN: usize = 64 * 1024;

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    ["/echo", "/echo/", "/echo/{*rest}"].into_iter().fold(Router::new(), |router, path| {
        router.route(&standin.api_path(path), fault_layer::with_faults(standin, Endpoint::Echo, any(echo)))
    })
}

/// Reads the whole body first, like an API behind a buffering gateway. `x-echo-status` sets the status of the response,
/// and each `x-echo-header: name: value` adds a header to it.
async fn echo(
    State(standin): State<StandIn>,
    caller: Result<Caller, ApiError>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let body =
        read_body(&standin, body).await.map_err(|_| ApiError(StatusCode::BAD_REQUEST, "The body broke off.".into()))?;
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
    Ok((status, requested_headers(&headers), Json(seen)).into_response())
}

async fn read_body(standin: &StandIn, body: Body) -> Result<Value, axum::Error> {
    let (mut length, mut start) = (0, Vec::new());
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.try_next().await? {
        length += chunk.len();
        standin.locked(|state| state.counters.bytes_read += chunk.len() as u64);
        start.extend_from_slice(&chunk[..chunk.len().min(SHOWN - start.len())]);
    }
    let shown = if length <= SHOWN { String::from_utf8(start).ok() } else { None };
    Ok(json!({"length": length, "text": shown}))
}

fn requested_headers(headers: &HeaderMap) -> HeaderMap {
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
