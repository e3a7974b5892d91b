//! Where the machine routes count what became of a request.

use axum::{
    http::{Method, request::Parts},
    response::Response,
};

use crate::{
    telemetry::{Route, StatusClass},
    web::{
        Site,
        api::{Problem, proxy::ROOM},
    },
};

impl Site {
    /// Counts what became of a machine's wish for a token. One that hung up got nothing, and is not counted.
    pub(super) async fn counted<T>(
        &self,
        route: Route,
        hand_out: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let result = hand_out.await;
        self.metrics.handed_out(route, result.as_ref().map(drop).map_err(Problem::word));
        result
    }

    /// Counts what a request to `/proxy` was answered: by VideoAsk, or by this app in its place.
    pub(super) fn count_proxied(&self, answer: &Result<Response, Problem>) {
        let class = |response: &Response| StatusClass::of(response.status().as_u16());
        self.metrics.proxied(answer.as_ref().map(class).map_err(Problem::word));
    }

    /// Counts a request without a good key, which never gets as far as its route.
    pub(super) fn count_turned_away(&self, request: &Parts, problem: &Problem) {
        let path = request.uri.path();
        let route = match request.method {
            _ if path.strip_prefix(ROOM).is_some_and(|rest| rest.starts_with('/')) => Route::Proxy,
            Method::GET | Method::HEAD if path == "/api/token" => Route::GetToken,
            Method::POST if path == "/api/token" => Route::PostToken,
            _ => return,
        };
        self.metrics.handed_out(route, Err(problem.word()));
        if route == Route::Proxy {
            self.metrics.proxied(Err(problem.word()));
        }
    }
}
