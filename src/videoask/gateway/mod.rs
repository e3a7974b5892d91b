//! Any request to the API as the user of a connection, streamed both ways.
//!
//! A request is sent once. After a 401 it is sent once more, with another token, if its whole body was copied. Nothing
//! else is ever sent twice.

mod idle_timeout;
mod response;
mod upload;

use std::time::Duration;

use http_body::Body;
use oauth2::AccessToken;
use reqwest::{
    Client, Method, Request, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING},
};

pub(crate) use self::{
    response::{Broken, Download, UpstreamResponse},
    upload::RequestBody,
};
use crate::{
    clock::Clock,
    config::ApiConfig,
    http::{self, BuildError},
    store::RowKey,
    telemetry::{Endpoint, Metrics},
    vault::{HandedOut, Vault, VaultError},
    videoask::{
        api::ORGANIZATION,
        gateway::{
            idle_timeout::IdleTimer,
            upload::{Progress, Upload},
        },
        replacement_token,
    },
};

/// Forwards requests of other programs to the API.
#[derive(Debug)]
pub(crate) struct Gateway {
    client: Client,
    organization: Option<HeaderValue>,
    clock: Clock,
    metrics: Metrics,
}

/// A request to the API, without its token.
#[derive(Debug)]
pub(crate) struct UpstreamRequest<B> {
    /// Any method.
    pub(crate) method: Method,
    /// A URL of the API's origin. The caller guarantees this, since the token is sent there.
    pub(crate) url: Url,
    /// The headers for the API. If `organization-id` is missing, `ORGANIZATION_ID` is added.
    pub(crate) headers: HeaderMap,
    /// A body of any length.
    pub(crate) body: B,
}

/// Why there is no response to forward.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GatewayError {
    /// The token was rejected, and there is no other one.
    #[error(transparent)]
    NoToken(#[from] VaultError),
    /// There was no connection within 3 s, so nothing was sent.
    #[error("VideoAsk's API could not be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("VideoAsk's API broke off the connection before it responded")]
    Cut(#[source] reqwest::Error),
    #[error("no data was sent to VideoAsk's API or received from it for a minute")]
    Silent,
    /// VideoAsk switched to another protocol, which no request asks for.
    #[error("VideoAsk's API switched protocols unasked")]
    Switched,
    /// The response has more headers than are forwarded.
    #[error("VideoAsk's API returned more than 64 KiB of headers")]
    HeadersTooLarge,
    #[error("the body of the request was incomplete")]
    BodyIncomplete,
}

impl Gateway {
    /// Builds the client. It sends nothing yet.
    pub(crate) fn new(config: &ApiConfig, clock: Clock, metrics: Metrics) -> Result<Self, BuildError> {
        let organization = config.organization_id.as_deref().map(HeaderValue::from_str);
        let client = http::streaming_client(&config.url)?;
        // The configuration accepts only values that fit into a header.
        Ok(Self { client, organization: organization.and_then(Result::ok), clock, metrics })
    }

    /// Sends the request with the token of this connection, and returns the response once its headers have arrived. If a
    /// second token is needed, waits for it for at most `caller_timeout`.
    pub(crate) async fn forward<B: RequestBody>(
        &self,
        upstream_request: UpstreamRequest<B>,
        token: &HandedOut,
        vault: &Vault,
        key: &RowKey,
        caller_timeout: Duration,
    ) -> Result<UpstreamResponse, GatewayError> {
        let idle_timer = IdleTimer::new(self.clock.clone());
        let (head, body, progress) = self.prepare(upstream_request, &idle_timer);
        let answer = self.send(&head, token.authorization(), body, &idle_timer, &progress).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(copy) = progress.copy() else { return Ok(answer) };
        let second = self.clock.timeout(caller_timeout, replacement_token::obtain(token, vault, key)).await;
        match second.unwrap_or(Err(VaultError::Busy))? {
            Some(second) => {
                idle_timer.touch();
                self.send(&head, second.authorization(), copy.into(), &idle_timer, &progress).await
            }
            None => Ok(answer),
        }
    }

    /// Sends the request once, with this credential.
    pub(crate) async fn forward_once<B: RequestBody>(
        &self,
        upstream_request: UpstreamRequest<B>,
        credential: &AccessToken,
    ) -> Result<UpstreamResponse, GatewayError> {
        let idle_timer = IdleTimer::new(self.clock.clone());
        let (head, body, progress) = self.prepare(upstream_request, &idle_timer);
        self.send(&head, http::bearer(credential), body, &idle_timer, &progress).await
    }

    fn prepare<B: RequestBody>(
        &self,
        UpstreamRequest { method, url, mut headers, body }: UpstreamRequest<B>,
        idle_timer: &IdleTimer,
    ) -> (RequestHead, reqwest::Body, Progress) {
        if let (Some(organization), None) = (&self.organization, headers.get(ORGANIZATION)) {
            headers.insert(ORGANIZATION, organization.clone());
        }
        let mut head = RequestHead { method, url, headers };
        let (upload, progress) = Upload::new(body, idle_timer.clone());
        let body = if upload.is_end_stream() { no_body(&mut head) } else { some_body(&mut head, upload) };
        (head, body, progress)
    }

    async fn send(
        &self,
        head: &RequestHead,
        authorization: HeaderValue,
        body: reqwest::Body,
        idle_timer: &IdleTimer,
        progress: &Progress,
    ) -> Result<UpstreamResponse, GatewayError> {
        let sent = self.client.execute(head.request(authorization, body));
        let sent = self.metrics.upstream(Endpoint::Proxy, &self.clock).time(sent);
        let response = tokio::select! {
            biased;
            response = sent => response.map_err(|error| GatewayError::sending(error, progress))?,
            () = idle_timer.stopped() => return Err(GatewayError::silent(progress)),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(GatewayError::Switched);
        }
        idle_timer.touch();
        Ok(UpstreamResponse::new(response, idle_timer.clone()))
    }
}

/// The part of a request that is the same when it is sent again.
struct RequestHead {
    method: Method,
    url: Url,
    headers: HeaderMap,
}

impl RequestHead {
    fn request(&self, authorization: HeaderValue, body: reqwest::Body) -> Request {
        let mut request = Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        request.headers_mut().insert(AUTHORIZATION, authorization);
        *request.body_mut() = Some(body);
        request
    }
}

/// Sends a body of unknown length as chunked. Without this, the client would silently drop the body of a method that
/// usually has none.
fn some_body<B: RequestBody>(head: &mut RequestHead, upload: Upload<B>) -> reqwest::Body {
    if upload.size_hint().exact().is_none() {
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    reqwest::Body::wrap(upload)
}

/// Announces that there is no body, which a method that usually has one requires (RFC 9110, 8.6). The client does not do
/// this by itself.
fn no_body(head: &mut RequestHead) -> reqwest::Body {
    if matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
    reqwest::Body::default()
}

impl GatewayError {
    fn silent(progress: &Progress) -> Self {
        if progress.wants_more() { Self::BodyIncomplete } else { Self::Silent }
    }

    fn sending(error: reqwest::Error, progress: &Progress) -> Self {
        let error = error.without_url();
        match error {
            error if error.is_connect() => Self::Unreachable(error),
            _ if progress.is_broken() => Self::BodyIncomplete,
            error => Self::Cut(error),
        }
    }
}
