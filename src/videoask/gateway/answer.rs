//! An answer on its way back.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Response, StatusCode, header::HeaderMap};
use sync_wrapper::SyncWrapper;
use tracing::Span;

use super::pulse::Pulse;
use crate::telemetry;

/// What VideoAsk answers, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Such as 200 or 404.
    pub status: StatusCode,
    /// As they came.
    pub headers: HeaderMap,
    /// As it comes.
    pub body: Download,
}

/// The body as VideoAsk sends it, for as long as it does. One that breaks off ends with an error, so that what carries
/// it on can break off too, and nobody takes a part for the whole.
#[derive(Debug)]
pub struct Download {
    body: reqwest::Body,
    pulse: Pulse,
    /// Only while nothing comes.
    silence: Option<Silence>,
    /// The request that this answers, for the log.
    request: Span,
}

type Silence = SyncWrapper<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// Why the answer is not whole.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The connection ended first.
    #[error("VideoAsk's API broke off its answer")]
    Cut(#[source] reqwest::Error),
    /// Nothing came for a minute.
    #[error("VideoAsk's API fell silent in the middle of its answer")]
    Silent,
}

impl Answer {
    pub(super) fn new(response: Response, pulse: Pulse) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = Download { body: response.into(), pulse, silence: None, request: Span::current() };
        Self { status, headers, body }
    }
}

impl Download {
    fn broken(&self, why: Broken) -> Broken {
        tracing::warn!(parent: &self.request, cause = telemetry::chain(&why), "an answer could not be passed on whole");
        why
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.silence = None;
            self.pulse.beat();
            let whole =
                |frame| Result::map_err(frame, |error: reqwest::Error| self.broken(Broken::Cut(error.without_url())));
            return Poll::Ready(frame.map(whole));
        }
        let pulse = self.pulse.clone();
        let silence =
            self.silence.get_or_insert_with(|| SyncWrapper::new(Box::pin(async move { pulse.stopped().await })));
        match silence.get_mut().as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(self.broken(Broken::Silent)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
