//! Counts the results of machine requests.

use axum::{
    http::{Method, request::Parts},
    response::Response,
};

use crate::{
    telemetry::{Metrics, Route, StatusClass},
    web::api::{paths::PROXY_PREFIX, problem::Problem},
};

/// Counts the result of one request for a token. A caller that disconnected got none and is not counted.
pub(super) fn hand_out<T>(metrics: &Metrics, route: Route, result: &Result<T, Problem>) {
    metrics.handed_out(route, result.as_ref().map(drop).map_err(Problem::r#type));
}

/// Counts the response to a request to `/proxy`: VideoAsk's, or this app's own.
pub(super) fn proxied(metrics: &Metrics, result: &Result<Response, Problem>) {
    let class = |response: &Response| StatusClass::of(response.status().as_u16());
    metrics.proxied(result.as_ref().map(class).map_err(Problem::r#type));
}

/// Counts a request without a valid API key, which never reaches its route.
pub(super) fn unauthorized(metrics: &Metrics, request: &Parts, problem: &Problem) {
    let path = request.uri.path();
    let route = match request.method {
        _ if path.strip_prefix(PROXY_PREFIX).is_some_and(|rest| rest.starts_with('/')) => Route::Proxy,
        Method::GET | Method::HEAD if path == "/api/token" => Route::GetToken,
        Method::POST if path == "/api/token" => Route::PostToken,
        _ => return,
    };
    metrics.handed_out(route, Err(problem.r#type()));
    if route == Route::Proxy {
        metrics.proxied(Err(problem.r#type()));
    }
}
