//! A program that has an API key and does not use OAuth.

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;

use super::{Page, Setup, TestServer, browser};

pub const KEY: &str = "canary-key-0123456789-abcdefghijklmn";

#[derive(Clone)]
pub struct ApiClient {
    pub client: Client,
    home: Url,
    key: String,
}

/// Keep mode for Ada and Grace, with an API key. Neither is connected yet.
pub fn keep_mode() -> Setup {
    Setup::default().var("ALLOWED_USERS", "ada@example.com,grace@example.com").var("API_KEY", KEY)
}

impl TestServer {
    /// An app in keep mode in which Ada is connected.
    pub async fn with_ada_connected() -> Self {
        let server = keep_mode().start().await;
        server.logged_in().await;
        server.standin.reset_counters();
        server
    }

    pub fn api_client(&self) -> ApiClient {
        ApiClient { client: browser::client(), home: self.app.clone(), key: KEY.to_owned() }
    }

    /// Sends these bytes, and returns everything that is received until the connection ends.
    pub async fn raw(&self, request: &str) -> String {
        let mut stream = self.connection().await;
        stream.write_all(request.as_bytes()).await.expect("the app listens");
        let mut answer = Vec::new();
        // What was received before a reset counts too.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub async fn connection(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.expect("the app listens")
    }
}

impl ApiClient {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.home.join(path).expect("a path")).bearer_auth(&self.key)
    }

    /// The same program with another key.
    pub fn with_key(self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self }
    }

    /// The access token of the default user.
    pub async fn token(&self) -> String {
        self.get("/api/token").await.json()["access_token"].as_str().expect("a token").to_owned()
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, |request| request).await
    }

    pub async fn send(&self, method: Method, path: &str, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Page {
        let response = with(self.request(method, path)).send().await.expect("the app answers");
        Page::of(response).await.expect("the answer is whole")
    }
}

impl Page {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Asserts that this is a problem with this status and type, and returns it.
    pub fn is_problem(&self, status: u16, word: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status, problem["type"].as_str()), (status, Some(&*format!("urn:videoask-auth:{word}"))));
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["retry_after"].as_u64().map(|s| s.to_string()).as_deref(), self.header("retry-after"));
        problem
    }
}
