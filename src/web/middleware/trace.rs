//! What every request gets: an id, a span that carries it, one log line, an error page where a handler failed, and the
//! headers of every answer.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::{
    telemetry,
    web::{Site, api::ProblemReport, health, middleware::security_headers, pages::error::Failure},
};

const HEADER: &str = "x-request-id";

/// Two to the 64th, divided by the golden ratio: it is odd, so the ids come again only after all others have been, and
/// neighbours differ in nearly all their digits, which a person can tell apart.
const STRIDE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Sixteen hex digits, always ours: one from outside could forge log lines. Nothing depends on its being a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(u64);

/// Where ids come from: a random start, so that no other process has the same, and a step for each.
pub struct RequestIds(AtomicU64);

impl RequestIds {
    pub(crate) fn starting_at(random: u64) -> Self {
        Self(AtomicU64::new(random))
    }

    fn next(&self) -> RequestId {
        RequestId(self.0.fetch_add(STRIDE, Ordering::Relaxed))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The outermost layer, and the only one over all routes: each costs every request a few allocations.
pub(crate) async fn trace(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let id = site.request_ids.next();
    request.extensions_mut().insert(id);
    let span = tracing::error_span!("request", %id);
    async {
        let began = site.clock.monotonic();
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let mut response = rendered(&site, id, next.run(request).await);
        security_headers::add(&site.app_url, response.headers_mut());
        let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
        log(&method, route, response.status(), site.clock.monotonic().saturating_sub(began));
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(HEADER, id);
        }
        response
    }
    .instrument(span)
    .await
}

/// Turns a handler's failure into its page or its problem, and logs its cause: here and nowhere else.
fn rendered(site: &Site, id: RequestId, mut response: Response) -> Response {
    let extensions = response.extensions_mut();
    let told = match (extensions.remove::<Failure>(), extensions.remove::<ProblemReport>()) {
        (Some(failure), _) => failure.render(site, id, extensions.remove().unwrap_or_default()),
        (None, Some(problem)) => problem.render(site, id),
        (None, None) => return response,
    };
    let (parts, body) = told.into_parts();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

fn log(method: &axum::http::Method, route: &str, status: StatusCode, took: Duration) {
    let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
    // An unusual method is text from outside.
    let (method, status) = (telemetry::excerpt(method.as_str()), status.as_u16());
    if health::is_probe(route) && status < 500 {
        tracing::debug!(%method, route, status, ms, "answered");
    } else {
        tracing::info!(%method, route, status, ms, "answered");
    }
}
