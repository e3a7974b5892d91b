//! The HTTP client of the `oauth2` crate: it keeps apart "never sent", "no answer" and "refused", which
//! the crate's own would throw together, and keeps the status where a body is no JSON.

use std::pin::Pin;

use bytes::Bytes;
use oauth2::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    http::{Response, header},
};
use url::{Url, form_urlencoded};

use crate::{
    clock::Clock,
    http::{BODY_LIMIT, read_capped},
    provider::answer::{Answer, ExchangeError, Wanted},
};

const SECRET_FIELDS: [&str; 5] = ["client_secret", "code", "code_verifier", "refresh_token", "token"];
const SHORTEST_SECRET: usize = 8;

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
        Box::pin(async {
            let sent = secrets(request.body());
            let request = reqwest::Request::try_from(request);
            let body = self.exchange(request, Wanted::Tokens, &sent).await?;
            Ok(as_oauth2_wants_it(body.to_vec()))
        })
    }
}

impl Wire {
    /// Posts a form that is answered with nothing.
    pub(super) async fn post(&self, url: Url, form: &[(&str, &str)]) -> Result<(), ExchangeError> {
        let sent: Vec<_> =
            form.iter().filter(|(name, value)| is_secret(name, value)).map(|(_, value)| (*value).to_owned()).collect();
        let request = self.client.post(url).form(form).build();
        self.exchange(request, Wanted::Nothing, &sent).await.map(drop)
    }

    /// Sends one exchange. Only an answer that holds what is wanted is a success; no error repeats what was `sent`.
    async fn exchange(
        &self,
        request: reqwest::Result<reqwest::Request>,
        wanted: Wanted,
        sent: &[String],
    ) -> Result<Bytes, ExchangeError> {
        let response = self.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_capped(response, BODY_LIMIT).await;
        Answer { status, headers, body }.into_wanted(wanted, sent, self.clock.now())
    }

    async fn send(&self, request: reqwest::Result<reqwest::Request>) -> Result<reqwest::Response, ExchangeError> {
        let request = request.map_err(|source| ExchangeError::NotSent { source: source.into() })?;
        self.client.execute(request).await.map_err(|error| {
            let source = error.without_url();
            if source.is_connect() || source.is_builder() {
                ExchangeError::NotSent { source: source.into() }
            } else {
                ExchangeError::NoAnswer { source: source.into() }
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

/// What of the form no error may repeat. A made-up code of a letter or two is no secret, and to redact it
/// would only garble the provider's words.
fn secrets(form: &[u8]) -> Vec<String> {
    let fields = form_urlencoded::parse(form).filter(|(name, value)| is_secret(name, value));
    fields.map(|(_, value)| value.into_owned()).collect()
}

fn is_secret(name: &str, value: &str) -> bool {
    SECRET_FIELDS.contains(&name) && value.len() >= SHORTEST_SECRET
}
