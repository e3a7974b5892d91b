use std::{future::poll_fn, pin::Pin, time::Duration};

use bytes::Bytes;
use http_body::{Body, Frame};
use reqwest::{
    StatusCode,
    header::{HeaderMap, LOCATION},
};
use time::OffsetDateTime;

use crate::{
    cli::{
        api::{Request, input::InputBody},
        context::Context,
        error::{CallError, CliError, StatusError},
        spinner,
    },
    clock::Clock,
    http,
    store::RowKey,
    telemetry::excerpt,
    vault::MinLife,
    videoask::{Download, GatewayError, UpstreamRequest},
};

/// The user as whom VideoAsk's API is called.
pub(super) struct Caller<'a> {
    context: &'a Context,
    user: &'a str,
    key: RowKey,
}

/// What VideoAsk answers, whatever its status.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Download,
}

impl<'a> Caller<'a> {
    /// The connection of this user, or of the default one.
    pub(super) async fn find(context: &'a Context, user: Option<&'a str>) -> Result<Self, CliError> {
        let user = context.user_or_default(user);
        let key = context.app.vault.find(user).await.map_err(|error| context.error(user, error))?;
        Ok(Self { context, user, key })
    }

    /// Sends the request; after a 401 once more, as the proxy does.
    pub(super) async fn send(&self, request: &Request, body: InputBody) -> Result<Response, CliError> {
        self.send_to(request, request.path.query.as_deref(), body).await
    }

    /// The same with another query.
    pub(super) async fn send_to(
        &self,
        request: &Request,
        query: Option<&str>,
        body: InputBody,
    ) -> Result<Response, CliError> {
        let Self { context, user, key } = self;
        let app = &context.app;
        let token = spinner::during("Getting a token", app.vault.hand_out(key, MinLife::BestEffort)).await;
        let token = token.map_err(|error| context.error(user, error))?;
        let url = request.path.at(&app.api_url, query).map_err(CallError::Path)?;
        let (method, headers) = (request.method.clone(), request.headers.clone());
        // The vault has its own limit for how long a command waits for a second token.
        let answer =
            app.gateway.forward(UpstreamRequest { method, url, headers, body }, &token, &app.vault, key, Duration::MAX);
        match spinner::during("Waiting for VideoAsk", answer).await {
            Ok(answer) => Ok(Response { status: answer.status, headers: answer.headers, body: answer.body }),
            Err(GatewayError::NoToken(error)) => Err(context.error(user, error)),
            Err(error) => Err(CallError::Gateway(error).into()),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.context.app.clock
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock().now()
    }
}

impl Response {
    /// The next part of the body.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, CallError> {
        loop {
            let frame = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
            match frame.transpose().map_err(CallError::Broken)?.map(Frame::into_data) {
                Some(Ok(data)) => return Ok(Some(data)),
                // Trailers.
                Some(Err(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Why this is no success.
    pub(super) fn error(&self, now: OffsetDateTime) -> StatusError {
        let location =
            self.headers.get(LOCATION).map(|location| excerpt(&String::from_utf8_lossy(location.as_bytes())));
        let retry_after = http::retry_after(&self.headers, now);
        StatusError { status: self.status, detail: None, retry_after, location }
    }

    /// The whole body, of at most `limit` bytes.
    pub(super) async fn whole(&mut self, limit: usize) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(CallError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
