//! `GET /metrics`: the figures, for Prometheus. And where the machine routes count.

use axum::{
    Router,
    extract::State,
    http::{Method, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::telemetry::{Metrics, Route, StatusClass};

use super::{super::Site, Problem};

pub(super) fn router() -> Router<Site> {
    Router::new().route("/metrics", get(metrics))
}

async fn metrics(State(site): State<Site>) -> Response {
    let figures = site.vault.figures().await;
    ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], site.metrics.page(figures)).into_response()
}

impl Site {
    /// Counts what became of a machine's wish for a token. One that hung up got nothing, and is not counted.
    pub(in crate::web) async fn counted<T>(
        &self,
        route: Route,
        hand_out: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let result = hand_out.await;
        self.metrics.handed_out(route, result.as_ref().map(drop).map_err(Problem::word));
        result
    }

    /// Counts what a request to `/proxy` was answered: by VideoAsk, or by this app in its place.
    pub(in crate::web) fn count_proxied(&self, answer: &Result<Response, Problem>) {
        let class = |response: &Response| StatusClass::of(response.status().as_u16());
        self.metrics.proxied(answer.as_ref().map(class).map_err(Problem::word));
    }

    /// Counts a request without a good key, which never gets as far as its route.
    pub(super) fn count_turned_away(&self, request: &Parts, problem: &Problem) {
        let path = request.uri.path();
        let route = match request.method {
            _ if path.starts_with("/proxy/") => Route::Proxy,
            Method::GET if path == "/api/token" => Route::GetToken,
            Method::POST if path == "/api/token" => Route::PostToken,
            _ => return,
        };
        self.metrics.handed_out(route, Err(problem.word()));
        if route == Route::Proxy {
            self.metrics.proxied(Err(problem.word()));
        }
    }
}
