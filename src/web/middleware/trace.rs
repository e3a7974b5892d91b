//! Gives every request an id and one log line, and every response its error page, if a handler failed, and the
//! headers that all have.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower::Service;

use crate::{
    api_key::Caller,
    telemetry::{self, RequestId},
    web::{
        api::{
            paths::is_for_machines,
            problem::{Problem, ProblemReport},
        },
        health,
        middleware::panic,
        pages::{error::PageError, error_page::Failure, layout::NavVisitor},
        state::AppState,
        visitor,
    },
};

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What is found out below the router about a request, for its line in the log. An extension of the request. As an
/// extractor, it notes the request's route.
#[derive(Clone, Default)]
pub(crate) struct LogFields(Arc<Fields>);

#[derive(Default)]
struct Fields {
    route: OnceLock<MatchedPath>,
    caller: OnceLock<Arc<Caller>>,
}

impl LogFields {
    /// The fields of a request that has these extensions. Notes its route, which it has only below the router.
    pub(crate) fn of(request: &Extensions) -> Self {
        let Self(fields) = request.get::<Self>().cloned().unwrap_or_default();
        if let Some(route) = request.get::<MatchedPath>() {
            fields.route.get_or_init(|| route.clone());
        }
        Self(fields)
    }

    /// The request has the key of this caller.
    pub(crate) fn set_caller(&self, caller: &Arc<Caller>) {
        self.0.caller.get_or_init(|| Arc::clone(caller));
    }
}

impl<S: Sync> FromRequestParts<S> for LogFields {
    type Rejection = Infallible;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&request.extensions))
    }
}

/// Notes the route of a request: a layer for routes that need no [`LogFields`] otherwise.
pub(crate) fn note_route(request: Request) -> Request {
    LogFields::of(request.extensions());
    request
}

/// Answers a request. This is around the router and no layer of it: for each request, axum clones and boxes what a layer
/// of all routes has wrapped.
pub(crate) fn trace(
    app: Arc<AppState>,
    router: Router,
    request: Request,
) -> impl Future<Output = Result<Response, Infallible>> + Send + Unpin {
    let id = app.request_ids.next();
    // Boxed, since the server moves it several times before it is polled first.
    Box::pin(telemetry::in_request(id, respond(app, router, request, id)))
}

async fn respond(
    app: Arc<AppState>,
    mut router: Router,
    mut request: Request,
    id: RequestId,
) -> Result<Response, Infallible> {
    let began = app.clock.monotonic();
    let method = request.method().clone();
    let is_for_machines = is_for_machines(request.uri().path());
    let cookies = request.headers().get_all(header::COOKIE).iter().map(|value| (header::COOKIE, value.clone()));
    let cookies: HeaderMap = cookies.collect();
    let fields = LogFields::default();
    request.extensions_mut().insert(fields.clone());
    let mut response = match panic::catch(pin!(router.call(request))).await {
        Some(response) => response?,
        None if is_for_machines => Problem::Internal.into_response(),
        None => PageError::Internal.into_response(),
    };
    render_failure(&app, id, &cookies, &mut response).await;
    app.security_headers.add(response.headers_mut());
    log(&method, &fields, response.status(), app.clock.monotonic().saturating_sub(began));
    response.headers_mut().insert(HEADER, id.into());
    Ok(response)
}

/// Turns a handler's failure into its page or its problem, and logs its cause. Nothing else does.
async fn render_failure(app: &Arc<AppState>, id: RequestId, cookies: &HeaderMap, response: &mut Response) {
    let extensions = response.extensions_mut();
    let rendered = match (extensions.remove::<Failure>(), extensions.remove::<ProblemReport>()) {
        (Some(failure), _) => {
            let visitor = if failure.may_ask_the_store() {
                visitor::nav_visitor(app, cookies).await
            } else {
                NavVisitor::LoggedOut
            };
            failure.render(id, visitor)
        }
        (None, Some(problem)) => problem.render(&app.app_url, app.clock.now(), id),
        (None, None) => return,
    };
    take_body(response, rendered);
}

/// The same for a command that serves its login: it tells no request id and no log line.
pub(crate) async fn render_for_command(State(app): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let response = panic::catch(pin!(next.run(request))).await;
    let mut response = response.unwrap_or_else(|| PageError::Internal.into_response());
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        take_body(&mut response, failure.render_for_command());
    }
    app.security_headers.add(response.headers_mut());
    response
}

fn take_body(response: &mut Response, rendered: Response) {
    let (parts, body) = rendered.into_parts();
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
}

fn log(method: &Method, LogFields(fields): &LogFields, status: StatusCode, took: Duration) {
    let route = fields.route.get().map_or("unmatched", MatchedPath::as_str);
    let key = fields.caller.get().map(|caller| caller.name());
    let (status, ms) = (status.as_u16(), (took.as_secs_f64() * 10_000.0).round() / 10.0);
    // An unusual method is text from outside. Nothing is written for a level that is off.
    if health::is_probe(route) && status < 500 {
        tracing::debug!(method = %telemetry::excerpt(method.as_str()), route, key, status, ms, "answered");
    } else {
        tracing::info!(method = %telemetry::excerpt(method.as_str()), route, key, status, ms, "answered");
    }
}
