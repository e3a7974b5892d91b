//! A server that responds as a test tells it to, and records the requests.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, Uri},
    response::{IntoResponse, Response},
};
use oauth2::ClientSecret;
use time::{OffsetDateTime, macros::datetime};
use url::{Url, form_urlencoded};
use videoask_auth::{
    clock::{Clock, ClockControl},
    config::{Pkce, ProviderConfig},
    provider::Provider,
    telemetry::Metrics,
};

pub const NOW: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);
pub const SECRET: &str = "canary-client-secret";

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: String,
}

impl ReceivedRequest {
    pub fn field(&self, name: &str) -> Option<String> {
        let fields = form_urlencoded::parse(self.body.as_bytes());
        fields.into_owned().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a header of ours is ASCII"))
    }
}

pub struct Stub {
    pub url: Url,
    seen: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl Stub {
    pub async fn answering(answer: impl Fn(&ReceivedRequest) -> Response + Clone + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let app = Router::new().fallback(move |request: Request| async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.expect("the request's body");
            let body = String::from_utf8(body.to_vec()).expect("a form");
            let seen = ReceivedRequest { method: parts.method, uri: parts.uri, headers: parts.headers, body };
            log.lock().expect("no test panics while it looks").push(seen.clone());
            answer(&seen)
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = local_url(listener.local_addr().expect("a bound port").port());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }

    pub fn seen(&self) -> Vec<ReceivedRequest> {
        self.seen.lock().expect("no test panics while it looks").clone()
    }

    pub fn provider(&self) -> Provider {
        provider(&config(&self.url)).0
    }
}

pub fn local_url(port: u16) -> Url {
    format!("http://127.0.0.1:{port}").parse().expect("a valid URL")
}

pub fn config(auth_url: &Url) -> ProviderConfig {
    ProviderConfig {
        client_id: "client-1".to_owned(),
        client_secret: ClientSecret::new(SECRET.to_owned()),
        callback: "http://localhost:3000/auth/videoask/callback".parse().expect("a valid URL"),
        scopes: ["openid", "profile", "offline_access"].map(str::to_owned).into(),
        pkce: Pkce::On,
        exchange_timeout: Duration::from_secs(10),
        auth_url: auth_url.clone(),
        audience: "https://api.videoask.com/".to_owned(),
        issuer: auth_url.to_string(),
    }
}

/// A provider client whose clock shows [`NOW`] until the test changes it.
pub fn provider(config: &ProviderConfig) -> (Provider, ClockControl) {
    let (clock, clock_control) = Clock::manual(NOW);
    (Provider::new(config, clock, Metrics::default()).expect("an HTTP client"), clock_control)
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).expect("a valid answer").into_response()
}

pub fn json(status: u16, body: &serde_json::Value) -> Response {
    answer(status, &[("content-type", "application/json")], body.to_string())
}

/// An error and all its causes, as their `Display` and `Debug` text.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    causes.fold(String::new(), |text, cause| format!("{text} {cause} {cause:?}"))
}
