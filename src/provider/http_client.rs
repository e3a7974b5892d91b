//! Posts forms to the token and revocation endpoints. A failure is "never sent", "no response" or "refused", and keeps
//! the status of a response whose body is not JSON.

use reqwest::{Client, RequestBuilder, Response, header::ACCEPT};
use url::Url;

use crate::{
    clock::Clock,
    http::{BODY_LIMIT, read_body},
    provider::{
        exchange_error::ExchangeError,
        response::{RawResponse, ReadBody, without_error},
        token::TokenResponse,
    },
};

const SECRET_FIELDS: [&str; 5] = ["client_secret", "code", "code_verifier", "refresh_token", "token"];
const MIN_SECRET_LENGTH: usize = 8;

#[derive(Debug)]
pub(super) struct HttpClient {
    pub(super) client: Client,
    pub(super) clock: Clock,
}

impl HttpClient {
    /// Posts a form for which a token set is the response.
    pub(super) async fn tokens(&self, url: Url, form: &[(&str, &str)]) -> Result<TokenResponse, ExchangeError> {
        let request = self.client.post(url).header(ACCEPT, "application/json");
        self.exchange(request, form, |json| json.and_then(TokenResponse::read)).await
    }

    /// Posts a form. A success may have any body that names no `error`.
    pub(super) async fn post(&self, url: Url, form: &[(&str, &str)]) -> Result<(), ExchangeError> {
        self.exchange(self.client.post(url), form, without_error).await
    }

    /// Sends one request. A response is a success only if `read` finds the expected body; no error quotes the secrets in
    /// the form.
    async fn exchange<T>(
        &self,
        request: RequestBuilder,
        form: &[(&str, &str)],
        read: ReadBody<T>,
    ) -> Result<T, ExchangeError> {
        let response = self.send(request.form(form)).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(response, BODY_LIMIT).await;
        RawResponse { status, headers, body }.read(read, &secrets(form), self.clock.now())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ExchangeError> {
        request.send().await.map_err(|error| {
            let source = error.without_url();
            if source.is_connect() || source.is_builder() {
                ExchangeError::NotSent { source: source.into() }
            } else {
                ExchangeError::NoResponse { source: source.into() }
            }
        })
    }
}

/// The values of the form that no error may quote. A value of fewer than `MIN_SECRET_LENGTH` characters is no secret:
/// anyone can put a short code into a callback's URL, and redacting it would garble the provider's message.
fn secrets<'f>(form: &[(&str, &'f str)]) -> Vec<&'f str> {
    let secret = |&&(name, value): &&(&str, &str)| SECRET_FIELDS.contains(&name) && value.len() >= MIN_SECRET_LENGTH;
    form.iter().filter(secret).map(|&(_, value)| value).collect()
}
