//! What every request gets: an id, a span that carries it, one log line, and an error page where a handler failed.

use std::time::Duration;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::telemetry;

use super::{Site, api::ProblemReport, error::Failure};

const HEADER: &str = "x-request-id";

/// Sixteen hex digits, always ours: one from outside could forge log lines.
#[derive(Clone, Debug)]
pub(super) struct RequestId(String);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The outermost layer.
pub(super) async fn trace(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let id = RequestId(format!("{:016x}", u64::from_be_bytes(site.keys.random_bytes())));
    request.extensions_mut().insert(id.clone());
    let span = tracing::error_span!("request", %id);
    async {
        let began = site.clock.monotonic();
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let mut response = rendered(&site, &id, next.run(request).await);
        let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
        log(&method, route, response.status(), site.clock.monotonic().saturating_sub(began));
        if let Ok(id) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(HEADER, id);
        }
        response
    }
    .instrument(span)
    .await
}

/// Turns a handler's failure into its page or its problem, and logs its cause: here and nowhere else.
fn rendered(site: &Site, id: &RequestId, mut response: Response) -> Response {
    let extensions = response.extensions_mut();
    let told = match (extensions.remove::<Failure>(), extensions.remove::<ProblemReport>()) {
        (Some(failure), _) => failure.render(site, id),
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
    // An unusual method is text from outside; the standard ones have no need to be cut.
    let method = telemetry::excerpt(method.as_str());
    let milliseconds = took.as_secs_f64() * 1000.0;
    tracing::info!(%method, route, status = status.as_u16(), ms = format_args!("{milliseconds:.1}"), "answered");
}
