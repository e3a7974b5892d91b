//! The response of VideoAsk's API, forwarded as a stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Response, StatusCode, header::HeaderMap};

use crate::{
    telemetry::{self, RequestId},
    videoask::gateway::idle_timeout::{BodyIdleTimeout, IdleTimer},
};

/// A response of VideoAsk, with any status.
#[derive(Debug)]
pub(crate) struct UpstreamResponse {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers, unchanged.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Download,
}

/// The body of a response. If it breaks off, it ends with an error, so that the response to the caller breaks off too, and
/// is not mistaken for a complete one.
#[derive(Debug)]
pub(crate) struct Download {
    body: reqwest::Body,
    silence: BodyIdleTimeout,
    /// The request, if a failure should be logged.
    request: Option<RequestId>,
}

/// Why the body is incomplete.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    #[error("VideoAsk's API broke off its response")]
    Cut(#[source] reqwest::Error),
    #[error("VideoAsk's API sent nothing for a minute in the middle of its response")]
    Silent,
}

impl UpstreamResponse {
    pub(crate) fn new(response: Response, idle_timer: IdleTimer) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Download { body: response.into(), silence: BodyIdleTimeout::of(idle_timer), request: None };
        Self { status, headers, body }
    }
}

impl Download {
    /// Logs a failure as one of the current request: its reader only sees the connection end.
    pub(crate) fn logging_failure(self) -> Self {
        Self { request: telemetry::current_request(), ..self }
    }

    fn broken(&self, why: Broken) -> Broken {
        if let Some(request) = self.request {
            telemetry::in_request_sync(request, || {
                tracing::warn!(cause = telemetry::chain(&why), "a response was not forwarded completely");
            });
        }
        why
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            ready!(self.silence.poll(cx));
            return Poll::Ready(Some(Err(self.broken(Broken::Silent))));
        };
        self.silence.ended();
        let whole =
            |frame| Result::map_err(frame, |error: reqwest::Error| self.broken(Broken::Cut(error.without_url())));
        Poll::Ready(frame.map(whole))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
