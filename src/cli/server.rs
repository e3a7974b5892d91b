//! A client of this app on another machine, by an API key: gets tokens there, and calls VideoAsk's API by its proxy.

use std::{pin::pin, time::Duration};

use bytes::Bytes;
use oauth2::AccessToken;
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    cli::{
        error::{CallError, CliError, Problem, ServerError},
        response::Response,
        signals, spinner,
    },
    clock::Clock,
    config::{ApiConfig, ServerConfig},
    http::BuildError,
    telemetry::{Metrics, ProblemType},
    videoask::{Gateway, GatewayError, RequestBody, UpstreamRequest},
};

const USER: HeaderName = HeaderName::from_static("x-videoask-user");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: &str = "application/problem+json";
/// The longest response of the server's own, in bytes.
const LONGEST: usize = 64 * 1024;
/// What comes no sooner than this may be the server's own limit, 30 s, and not the end of the refresh.
const SERVER_TIMEOUT: Duration = Duration::from_secs(29);
/// How long a command waits for a token, as one beside the store does with the default of EXCHANGE_TIMEOUT: long enough
/// for the server to take over the attempt of a crashed process.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(40);

pub(crate) struct Server {
    gateway: Gateway,
    url: Url,
    /// The URL of the server's proxy.
    proxy: Url,
    api_key: AccessToken,
    clock: Clock,
}

#[derive(Serialize)]
struct Refusal<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    refused: &'a str,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: AccessToken,
}

impl Server {
    /// Builds the client. It sends nothing yet.
    pub(crate) fn new(config: &ServerConfig, clock: Clock) -> Result<Self, BuildError> {
        let url = config.url.clone();
        let mut proxy = url.clone();
        proxy.set_path("/proxy");
        let api = ApiConfig { url: url.clone(), organization_id: None };
        let gateway = Gateway::new(&api, clock.clone(), Metrics::default())?;
        let api_key = AccessToken::new(config.api_key.expose_secret().to_owned());
        Ok(Self { gateway, url, proxy, api_key, clock })
    }

    /// Does the work, or stops at a signal. Requests that were sent continue at the server.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let mut stop = pin!(signals::stop());
        tokio::select! {
            biased;
            () = &mut stop => Err(CliError::Stopped),
            worked = work => worked,
        }
    }

    /// A token that works for long enough; another one if `refused` is the current one.
    pub(crate) async fn token(
        &self,
        user: Option<&str>,
        min_ttl: Option<Duration>,
        refused: Option<&AccessToken>,
    ) -> Result<AccessToken, CliError> {
        if let Some(refused) = refused {
            let body = serde_json::to_string(&Refusal { user, refused: refused.secret() });
            let body = body.expect("two texts can be written as JSON");
            let ask = || self.ask_for_token(user, Method::POST, self.url_of_token(), body.clone());
            let token = self.until_refreshed(ask).await?;
            if min_ttl.is_none() {
                return Ok(token);
            }
        }
        let mut url = self.url_of_token();
        let min_ttl = min_ttl.map(|min_ttl| format!("{}ms", min_ttl.as_millis()));
        let pairs = [("user", user), ("min_ttl", min_ttl.as_deref())];
        url.query_pairs_mut().extend_pairs(pairs.into_iter().filter_map(|(name, value)| Some((name, value?))));
        self.until_refreshed(|| self.ask_for_token(user, Method::GET, url.clone(), String::new())).await
    }

    /// Asks once more where the server did not wait for the end of a refresh, which goes on there. Nothing that such a
    /// server was sent has reached VideoAsk's API, or it was refused there.
    pub(crate) async fn until_refreshed<T, A>(&self, ask: impl Fn() -> A) -> Result<T, CliError>
    where
        A: Future<Output = Result<T, CliError>>,
    {
        let start = self.clock.monotonic();
        let first = ask().await;
        let waited = self.clock.monotonic().saturating_sub(start);
        let is_unfinished =
            matches!(&first, Err(CliError::RemoteServer(error)) if error.is(ProblemType::ProviderUnavailable));
        if !is_unfinished || waited < SERVER_TIMEOUT {
            return first;
        }
        self.clock.timeout(TOKEN_TIMEOUT.saturating_sub(waited), ask()).await.unwrap_or(first)
    }

    /// Sends a request to VideoAsk's API through the proxy, as this user.
    pub(crate) async fn forward<B: RequestBody>(
        &self,
        user: Option<&str>,
        mut request: UpstreamRequest<B>,
    ) -> Result<Response, CliError> {
        if let Some(name) = user {
            let name = HeaderValue::from_bytes(name.as_bytes()).map_err(|_| ServerError::UserName)?;
            request.headers.insert(USER, name);
        }
        self.send(user, request).await
    }

    pub(crate) fn api_url(&self) -> &Url {
        &self.proxy
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    fn url_of_token(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path("/api/token");
        url
    }

    async fn ask_for_token(
        &self,
        user: Option<&str>,
        method: Method,
        url: Url,
        body: String,
    ) -> Result<AccessToken, CliError> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, JSON)]);
        let request = UpstreamRequest { method, url, headers, body: axum::body::Body::from(body) };
        let mut response = spinner::during("Getting a token", self.send(user, request)).await?;
        let body = if response.status == StatusCode::OK { response.peek(LONGEST).await? } else { Bytes::new() };
        let token: Option<TokenResponse> = serde_json::from_slice(&body).ok();
        let is_token = |token: &AccessToken| {
            !token.secret().is_empty() && token.secret().bytes().all(|byte| byte.is_ascii_graphic())
        };
        match token {
            Some(TokenResponse { access_token }) if is_token(&access_token) => Ok(access_token),
            _ => Err(ServerError::foreign(&self.url, &response).into()),
        }
    }

    /// Reads a problem of the server itself. Everything else is the response.
    async fn send<B: RequestBody>(
        &self,
        user: Option<&str>,
        request: UpstreamRequest<B>,
    ) -> Result<Response, CliError> {
        let answer = self.gateway.forward_once(request, &self.api_key).await.map_err(|error| -> CliError {
            match error {
                GatewayError::BodyIncomplete => CallError::Gateway(error).into(),
                error => ServerError::Unreachable { server: self.url.clone(), source: error }.into(),
            }
        })?;
        let mut response = Response::from(answer);
        if !response.has_type(PROBLEM) {
            return Ok(response);
        }
        let body = response.peek(LONGEST).await?;
        let problem = if body.is_empty() { Problem::of_header(&response.headers) } else { Problem::read(&body) };
        match problem {
            Some(problem) => Err(ServerError::problem(problem, user, &self.url).into()),
            None => Ok(response),
        }
    }
}

#[cfg(test)]
mod tests;
