//! What a visitor sees after a panic.

use std::sync::Arc;

use axum::{
    body::{self, Body},
    http::{HeaderValue, Request, StatusCode, header},
    response::Response,
};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use time::macros::datetime;

use crate::{
    app::state,
    clock::Clock,
    config::Config,
    store::{self, IfMissing},
    vault::Callers,
    web::{AppService, panicking},
};

const VARIABLES: [(&str, &str); 5] = [
    ("CLIENT_ID", "client"),
    ("CLIENT_SECRET", "client-secret"),
    ("APP_URL", "http://localhost:3000"),
    ("EXPRESS_SESSION", "test-express-session-0123456789abcdef"),
    ("STORE_URL", "memory:"),
];

async fn service() -> impl AppService {
    let config = Config::from_pairs(VARIABLES).unwrap_or_else(|problems| panic!("{problems}")).config;
    let store = store::open(&config.store, IfMissing::Create).await.expect("memory can always be opened").store;
    let (clock, _) = Clock::manual(datetime!(2026-11-27 03:34 UTC));
    panicking::service(Arc::new(state(&config, store, clock, Callers::Requests).expect("it can be built")))
}

async fn get(service: &impl AppService, path: &str, cookie: Option<&HeaderValue>) -> Response {
    let mut request = Request::get(path).header(header::HOST, "localhost:3000");
    if let Some(cookie) = cookie {
        request = request.header(header::COOKIE, cookie);
    }
    let response =
        TowerToHyperService::new(service.clone()).call(request.body(Body::empty()).expect("a request")).await;
    response.unwrap_or_else(|error| match error {})
}

async fn text(response: Response) -> String {
    let bytes = body::to_bytes(response.into_body(), usize::MAX).await.expect("a page");
    String::from_utf8(bytes.into()).expect("UTF-8")
}

#[tokio::test]
async fn the_page_after_a_panic_has_the_navigation_of_who_is_logged_in() {
    let service = service().await;
    let logged_in = get(&service, "/log-in", None).await;
    let cookie = logged_in.headers().get(header::SET_COOKIE).expect("a session's cookie");
    for (cookie, navigation) in [(Some(cookie), true), (None, false)] {
        let response = get(&service, "/panic", cookie).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let page = text(response).await;
        assert!(page.contains("<h1>Something went wrong in this app</h1>"), "{page}");
        assert_eq!(page.contains("<nav aria-label=\"Main\">"), navigation, "{page}");
        assert!(!page.contains("a bug"), "the log has the cause: {page}");
    }
}
