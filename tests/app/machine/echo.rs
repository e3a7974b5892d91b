//! The stand-in's echo, which shows what arrived at VideoAsk.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::{ApiClient, Page};

/// A request as VideoAsk received it, in JSON.
pub struct EchoedRequest(pub Value);

impl ApiClient {
    /// Sends a request through the proxy to the echo.
    pub async fn echo(&self, method: Method, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Page {
        self.send(method, "/proxy/echo", with).await
    }
}

impl Page {
    pub fn seen(&self) -> EchoedRequest {
        assert_eq!(self.status, 200, "{}", self.text());
        EchoedRequest(self.json())
    }
}

impl EchoedRequest {
    /// All values of a header that arrived.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let headers = self.0["headers"].as_array().expect("the echo lists headers").iter();
        headers.filter(|header| header[0] == name).filter_map(|header| header[1].as_str()).collect()
    }

    pub fn names(&self) -> Vec<&str> {
        let headers = self.0["headers"].as_array().expect("the echo lists headers").iter();
        headers.filter_map(|header| header[0].as_str()).collect()
    }
}
