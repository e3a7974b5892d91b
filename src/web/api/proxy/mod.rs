//! `/proxy/…`: forwards requests to VideoAsk's API with the user's token.
//!
//! The origin is fixed, and the path is forwarded without decoding it. What is meant for this app is not forwarded,
//! first of all the API key, and no response can affect this app's own origin.

mod headers;
mod key;
mod link;

use std::{io, pin::pin, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header},
    response::Response,
    routing::any,
};
use futures_util::stream;
use url::Url;

use crate::{
    api_key::{Access, Caller},
    store::RowKey,
    telemetry::Route,
    vault::{HandedOut, MinLife},
    videoask::{AmbiguousPath, GatewayError, UpstreamRequest, UpstreamResponse, path},
    web::{
        api::{
            auth::Authenticated,
            caller_timeout::{CALLER_TIMEOUT, with_caller_timeout},
            counting,
            paths::PROXY_PREFIX,
            problem::Problem,
            user::find_connection,
        },
        state::AppState,
    },
};

/// The header that names the user whose token is used.
const USER: &str = "x-videoask-user";

pub(super) fn router() -> Router<Arc<AppState>> {
    let below = |path: &str| format!("{PROXY_PREFIX}/{path}");
    Router::new().route(&below(""), any(answer)).route(&below("{*path}"), any(answer))
}

async fn answer(
    State(app): State<Arc<AppState>>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Result<Response, Problem> {
    let answer = forward(&app, &caller, request).await;
    counting::proxied(&app.metrics, &answer);
    answer
}

async fn forward(app: &AppState, caller: &Caller, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::CONNECT || asks_for_another_protocol(&parts.headers) {
        return Err(Problem::Invalid("Requests are passed on, connections are not: no CONNECT, and no Upgrade."));
    }
    if key::is_repeated(&parts) {
        return Err(Problem::Invalid(
            "The API key belongs in the header Authorization and nowhere else, or VideoAsk sees it.",
        ));
    }
    let url = target(&app.api_url, &parts.uri)?;
    let began = app.clock.monotonic();
    // The path that is sent to VideoAsk, even if the caller has written it differently.
    let path = path::below(&app.api_url, &url).unwrap_or_default();
    let access = Access::Proxy { method: parts.method.as_str(), path };
    let token = with_caller_timeout(&app.clock, pin!(token(app, caller, access, &parts.headers))).await;
    counting::hand_out(&app.metrics, Route::Proxy, &token);
    let (key, token) = token?;
    let caller_timeout = CALLER_TIMEOUT.saturating_sub(app.clock.monotonic().saturating_sub(began));
    let upstream_request = UpstreamRequest {
        method: parts.method.clone(),
        url: url.clone(),
        headers: headers::for_videoask(&parts.headers),
        body,
    };
    let UpstreamResponse { status, headers, body } =
        app.gateway.forward(upstream_request, &token, &app.vault, &key, caller_timeout).await?;
    let body = match parts.method {
        // Its length would otherwise be announced as that of GET's body.
        Method::HEAD => Body::from_stream(stream::empty::<io::Result<&[u8]>>()),
        _ => Body::new(body.logging_failure()),
    };
    if headers::size(&headers) > headers::HEADERS_LIMIT {
        return Err(GatewayError::HeadersTooLarge.into());
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers::for_the_caller(&headers);
    if let Some(length) = headers::length_of_no_body(&parts.method, status, &headers) {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
    link::rewrite_links(response.headers_mut(), &url, &app.api_url)
        .map_err(|link::TooLong| GatewayError::HeadersTooLarge)?;
    Ok(response)
}

/// The URL of a request below [`PROXY_PREFIX`].
fn target(base: &Url, uri: &Uri) -> Result<Url, Problem> {
    let path = uri.path().strip_prefix(PROXY_PREFIX).ok_or(AmbiguousPath);
    let url = path.and_then(|path| path::target(base, path, uri.query()));
    url.map_err(|AmbiguousPath| Problem::Invalid(AmbiguousPath::RULE))
}

/// Whether a client asks for another protocol, without which it cannot continue. An offer of HTTP/2 in clear text
/// (`h2c`), which some clients send with every first request, may be ignored (RFC 9110, 7.8).
fn asks_for_another_protocol(headers: &HeaderMap) -> bool {
    headers::listed(headers, &header::UPGRADE).any(|protocol| !protocol.eq_ignore_ascii_case(b"h2c"))
}

async fn token(
    app: &AppState,
    caller: &Caller,
    access: Access<'_>,
    headers: &HeaderMap,
) -> Result<(RowKey, HandedOut), Problem> {
    let key = find_connection(app, caller, access, user(headers)?).await?;
    let token = app.vault.hand_out(&key, MinLife::BestEffort).await?;
    Ok((key, token))
}

fn user(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut names = headers.get_all(USER).iter();
    match (names.next(), names.next()) {
        (None, _) => Ok(None),
        (Some(name), None) => match std::str::from_utf8(name.as_bytes()) {
            Ok(name) => Ok(Some(name)),
            Err(_) => Err(Problem::Invalid("The name in X-VideoAsk-User is no text.")),
        },
        (Some(_), Some(_)) => Err(Problem::Invalid("X-VideoAsk-User came more than once.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_stays_that_of_the_api_whatever_the_request_names() {
        let base = Url::parse("https://api.example:8443/v1").expect("a base");
        let uri = "http://evil.example/proxy/forms?x=http://evil.example/".parse().expect("a proxy's form of a target");
        let url = target(&base, &uri).expect("the path is plain");
        assert_eq!(url.as_str(), "https://api.example:8443/v1/forms?x=http://evil.example/");
    }
}
