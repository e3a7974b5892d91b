//! The HTTP client of the `oauth2` crate: it keeps apart "never sent", "no answer" and "refused", which
//! the crate's own would throw together, and keeps the status where a body is no JSON.

use std::pin::Pin;

use oauth2::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    http::{Response, header},
};
use url::form_urlencoded;

use super::answer::{Answer, ExchangeError};
use crate::{
    clock::Clock,
    http::{BODY_LIMIT, read_capped},
};

const SECRET_FIELDS: [&str; 5] = ["client_secret", "code", "code_verifier", "refresh_token", "token"];

/// The way to the authorization server.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) client: reqwest::Client,
    pub(super) clock: Clock,
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = ExchangeError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ExchangeError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.exchange(request))
    }
}

impl Wire {
    /// Sends one exchange. Only an answer that holds a token set is a success.
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, ExchangeError> {
        let sent = secrets(request.body());
        let response = self.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_capped(response, BODY_LIMIT).await;
        let granted = Answer { status, headers, body }.into_granted(&sent, self.clock.now())?;
        Ok(as_oauth2_wants_it(granted.to_vec()))
    }

    async fn send(&self, request: HttpRequest) -> Result<reqwest::Response, ExchangeError> {
        let request = reqwest::Request::try_from(request).map_err(|source| ExchangeError::NotSent { source })?;
        self.client.execute(request).await.map_err(|error| {
            let source = error.without_url();
            if source.is_connect() || source.is_builder() {
                ExchangeError::NotSent { source }
            } else {
                ExchangeError::NoAnswer { source }
            }
        })
    }
}

/// The crate takes a token set only with status 200 and a JSON content type; a spent refresh token
/// would be lost over either, and both have been judged here.
fn as_oauth2_wants_it(body: Vec<u8>) -> HttpResponse {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn secrets(form: &[u8]) -> Vec<String> {
    let secret = |name: &str| SECRET_FIELDS.contains(&name);
    form_urlencoded::parse(form).filter(|(name, _)| secret(name)).map(|(_, value)| value.into_owned()).collect()
}
