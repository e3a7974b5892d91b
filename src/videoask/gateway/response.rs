//! An answer on its way back.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Response, StatusCode, header::HeaderMap};
use tracing::Span;

use crate::{
    telemetry,
    videoask::gateway::idle_timeout::{BodyIdleTimeout, IdleTimer},
};

/// What VideoAsk answers, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Such as 200 or 404.
    pub(crate) status: StatusCode,
    /// As they came.
    pub(crate) headers: HeaderMap,
    /// As it comes.
    pub(crate) body: Download,
}

/// The body as VideoAsk sends it, for as long as it does. One that breaks off ends with an error, so that what carries
/// it on can break off too, and nobody takes a part for the whole.
#[derive(Debug)]
pub(crate) struct Download {
    body: reqwest::Body,
    silence: BodyIdleTimeout,
    /// The request that this answers, if a failure is logged.
    request: Option<Span>,
}

/// Why the answer is not whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The connection ended first.
    #[error("VideoAsk's API broke off its answer")]
    Cut(#[source] reqwest::Error),
    /// Nothing came for a minute.
    #[error("VideoAsk's API fell silent in the middle of its answer")]
    Silent,
}

impl Answer {
    pub(crate) fn new(response: Response, idle_timer: IdleTimer) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Download { body: response.into(), silence: BodyIdleTimeout::of(idle_timer), request: None };
        Self { status, headers, body }
    }
}

impl Download {
    /// Logs a failure as one of the current request: its reader only sees the connection end.
    pub(crate) fn logging_failure(self) -> Self {
        Self { request: Some(Span::current()), ..self }
    }

    fn broken(&self, why: Broken) -> Broken {
        if let Some(request) = &self.request {
            tracing::warn!(parent: request, cause = telemetry::chain(&why), "an answer could not be passed on whole");
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
