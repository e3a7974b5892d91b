//! A response that is printed.

use std::{future::poll_fn, pin::Pin};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, LOCATION},
};
use time::OffsetDateTime;

use crate::{
    cli::error::{CallError, StatusError},
    http,
    telemetry::excerpt,
    videoask::{Download, UpstreamResponse},
};

/// A response with any status.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The part of the body that was read in advance.
    start: Bytes,
    body: Download,
}

impl From<UpstreamResponse> for Response {
    fn from(UpstreamResponse { status, headers, body }: UpstreamResponse) -> Self {
        Self { status, headers, start: Bytes::new(), body }
    }
}

impl Response {
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, CallError> {
        if !self.start.is_empty() {
            return Ok(Some(std::mem::take(&mut self.start)));
        }
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

    pub(crate) async fn whole(&mut self, limit: usize) -> Result<Bytes, CallError> {
        let body = self.peek(limit).await?;
        if body.len() > limit { Err(CallError::TooLarge) } else { Ok(body) }
    }

    /// The body, or its first part if it is longer than `limit` bytes. It can still be read afterwards.
    pub(crate) async fn peek(&mut self, limit: usize) -> Result<Bytes, CallError> {
        let mut body = BytesMut::new();
        while body.len() <= limit
            && let Some(chunk) = self.chunk().await?
        {
            body.extend_from_slice(&chunk);
        }
        self.start = body.freeze();
        Ok(self.start.clone())
    }

    pub(crate) fn has_type(&self, media_type: &str) -> bool {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
    }

    pub(crate) fn location(&self) -> Option<String> {
        self.headers.get(LOCATION).map(|location| excerpt(&String::from_utf8_lossy(location.as_bytes())))
    }

    pub(crate) fn error(&self, now: OffsetDateTime) -> StatusError {
        let retry_after = http::retry_after(&self.headers, now);
        StatusError { status: self.status, detail: None, retry_after, location: self.location() }
    }
}
