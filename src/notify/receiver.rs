//! The receiver of notifications, at `NOTIFY_URL`.

use std::fmt;

use async_trait::async_trait;
use reqwest::{Client, header::CONTENT_TYPE};
use url::Url;

use crate::{config::NotifyUrl, http, notify::Message};

/// Sends events to where they are received.
#[async_trait]
pub trait Receiver: fmt::Debug + Send + Sync + 'static {
    /// Sends one event. Never retries: the caller does.
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError>;
}

/// Why an event was not delivered. The error contains no part of `NOTIFY_URL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The receiver responded with a status that is not a success.
    #[error("the receiver responded with status {0}")]
    Status(u16),
    /// The receiver did not respond in time.
    #[error("the receiver did not respond within 5 s")]
    Timeout,
    /// No connection could be opened.
    #[error("the receiver cannot be reached")]
    Unreachable,
    /// The connection ended before the response.
    #[error("the receiver closed the connection without a response")]
    Broken,
}

impl DeliveryError {
    /// What the operator should do about it.
    #[must_use]
    pub fn fix(self) -> &'static str {
        match self {
            Self::Status(300..=399) => {
                "Redirects are not followed. Set NOTIFY_URL to the address that the receiver redirects to."
            }
            Self::Status(401 | 403 | 404 | 410) => "Copy the webhook's URL again: its key is wrong, or it was removed.",
            Self::Status(400 | 415 | 422) => {
                "The receiver does not take this JSON. Set NOTIFY_URL to a webhook that reads the field text or content."
            }
            Self::Status(_) => "Try again later. If it keeps happening, look into the receiver's log.",
            Self::Timeout => "Check that the receiver is up and responds before it does its work.",
            Self::Unreachable => {
                "Check the host in NOTIFY_URL, this machine's network, and HTTPS_PROXY if it needs a proxy."
            }
            Self::Broken => "Check that NOTIFY_URL leads to an HTTP server, with http or https as that server expects.",
        }
    }
}

/// The receiver at `NOTIFY_URL`.
pub(crate) struct HttpReceiver {
    client: Client,
    url: Url,
}

impl HttpReceiver {
    /// # Errors
    /// Returns an error if the HTTP client cannot be built, for example without any CA certificates.
    pub(crate) fn new(url: &NotifyUrl) -> Result<Self, http::BuildError> {
        let url = url.expose();
        Ok(Self { client: http::notify_client(&url)?, url })
    }
}

#[async_trait]
impl Receiver for HttpReceiver {
    async fn deliver(&self, message: &Message) -> Result<(), DeliveryError> {
        let request =
            self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(message.to_json());
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(DeliveryError::Status(response.status().as_u16())),
            Err(error) if error.is_connect() => Err(DeliveryError::Unreachable),
            Err(error) if error.is_timeout() => Err(DeliveryError::Timeout),
            Err(_) => Err(DeliveryError::Broken),
        }
    }
}

impl fmt::Debug for HttpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpReceiver(…)")
    }
}
