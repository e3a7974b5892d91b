//! The HTTP client for the `oauth2` crate. Unlike the crate's own, it distinguishes "never sent", "no response" and
//! "refused", and keeps the status of a response whose body is not JSON.

use std::pin::Pin;

use bytes::Bytes;
use oauth2::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    http::{Response, header},
};
use url::{Url, form_urlencoded};

use crate::{
    clock::Clock,
    http::{BODY_LIMIT, read_body},
    provider::{
        exchange_error::ExchangeError,
        response::{ExpectedBody, RawResponse},
    },
};

const SECRET_FIELDS: [&str; 5] = ["client_secret", "code", "code_verifier", "refresh_token", "token"];
const MIN_SECRET_LENGTH: usize = 8;

#[derive(Debug)]
pub(super) struct HttpClient {
    pub(super) client: reqwest::Client,
    pub(super) clock: Clock,
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = ExchangeError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ExchangeError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async {
            let secrets = secrets(request.body());
            let request = reqwest::Request::try_from(request);
            let body = self.exchange(request, ExpectedBody::Tokens, &secrets).await?;
            Ok(ok_json(body.to_vec()))
        })
    }
}

impl HttpClient {
    /// Posts a form. A success may have any body that names no `error`.
    pub(super) async fn post(&self, url: Url, form: &[(&str, &str)]) -> Result<(), ExchangeError> {
        let secrets: Vec<_> =
            form.iter().filter(|(name, value)| is_secret(name, value)).map(|(_, value)| (*value).to_owned()).collect();
        let request = self.client.post(url).form(form).build();
        self.exchange(request, ExpectedBody::Nothing, &secrets).await.map(drop)
    }

    /// Sends one request. Only a response with the expected body is a success; no error quotes `secrets`.
    async fn exchange(
        &self,
        request: reqwest::Result<reqwest::Request>,
        expected: ExpectedBody,
        secrets: &[String],
    ) -> Result<Bytes, ExchangeError> {
        let response = self.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(response, BODY_LIMIT).await;
        RawResponse { status, headers, body }.into_body(expected, secrets, self.clock.now())
    }

    async fn send(&self, request: reqwest::Result<reqwest::Request>) -> Result<reqwest::Response, ExchangeError> {
        let request = request.map_err(|source| ExchangeError::NotSent { source: source.into() })?;
        self.client.execute(request).await.map_err(|error| {
            let source = error.without_url();
            if source.is_connect() || source.is_builder() {
                ExchangeError::NotSent { source: source.into() }
            } else {
                ExchangeError::NoResponse { source: source.into() }
            }
        })
    }
}

/// A response in the form that `oauth2` accepts. The crate rejects a token set if the status is not 200 or the content
/// type is not JSON. That would lose the new tokens after the refresh token was spent. `RawResponse` has already
/// checked the response.
fn ok_json(body: Vec<u8>) -> HttpResponse {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// The values of the form that no error may quote. A value of fewer than `MIN_SECRET_LENGTH` characters is no secret:
/// anyone can put a short code into a callback's URL, and redacting it would garble the provider's message.
fn secrets(form: &[u8]) -> Vec<String> {
    let fields = form_urlencoded::parse(form).filter(|(name, value)| is_secret(name, value));
    fields.map(|(_, value)| value.into_owned()).collect()
}

fn is_secret(name: &str, value: &str) -> bool {
    SECRET_FIELDS.contains(&name) && value.len() >= MIN_SECRET_LENGTH
}
