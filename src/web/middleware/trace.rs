//! Gives every request an id, a span and one log line, and every response its error page, if a handler failed, and the
//! headers that all have.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::{
    telemetry,
    web::{
        api::{auth::KeyHolder, problem::ProblemReport},
        health,
        pages::{error_page::Failure, layout::NavVisitor},
        request_id::RequestId,
        state::AppState,
        visitor,
    },
};

const HEADER: &str = "x-request-id";

/// The outermost layer, and the only one over all routes: each costs every request a few allocations.
pub(crate) async fn trace(State(app): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let id = app.request_ids.next();
    request.extensions_mut().insert(id);
    let span = tracing::error_span!("request", %id);
    async {
        let began = app.clock.monotonic();
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let cookies = request.headers().get_all(header::COOKIE).iter().map(|value| (header::COOKIE, value.clone()));
        let cookies: HeaderMap = cookies.collect();
        let mut response = rendered(&app, id, &cookies, next.run(request).await).await;
        app.security_headers.add(response.headers_mut());
        let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
        let holder = response.extensions_mut().remove::<KeyHolder>();
        let key = holder.as_ref().map(KeyHolder::name);
        log(&method, route, key, response.status(), app.clock.monotonic().saturating_sub(began));
        if let Ok(id) = HeaderValue::try_from(id.to_string()) {
            response.headers_mut().insert(HEADER, id);
        }
        response
    }
    .instrument(span)
    .await
}

/// Turns a handler's failure into its page or its problem, and logs its cause. Nothing else does.
async fn rendered(app: &Arc<AppState>, id: RequestId, cookies: &HeaderMap, mut response: Response) -> Response {
    let extensions = response.extensions_mut();
    let told = match (extensions.remove::<Failure>(), extensions.remove::<ProblemReport>()) {
        (Some(failure), _) => {
            let visitor = if failure.may_ask_the_store() {
                visitor::nav_visitor(app, cookies).await
            } else {
                NavVisitor::LoggedOut
            };
            failure.render(&app.assets, id, visitor)
        }
        (None, Some(problem)) => problem.render(&app.app_url, app.clock.now(), id),
        (None, None) => return response,
    };
    with_body_of(response, told)
}

/// The same for a command that serves its login: it tells no request id and no log line.
pub(crate) async fn render_for_command(State(app): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        response = with_body_of(response, failure.render_for_command(&app.assets));
    }
    app.security_headers.add(response.headers_mut());
    response
}

fn with_body_of(mut response: Response, rendered: Response) -> Response {
    let (parts, body) = rendered.into_parts();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

fn log(method: &axum::http::Method, route: &str, key: Option<&str>, status: StatusCode, took: Duration) {
    let ms = (took.as_secs_f64() * 10_000.0).round() / 10.0;
    // An unusual method is text from outside.
    let (method, status) = (telemetry::excerpt(method.as_str()), status.as_u16());
    if health::is_probe(route) && status < 500 {
        tracing::debug!(%method, route, key, status, ms, "answered");
    } else {
        tracing::info!(%method, route, key, status, ms, "answered");
    }
}
