//! Why a request to VideoAsk's API failed.

use std::{fmt, io, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    telemetry,
    videoask::{AmbiguousPath, Broken, GatewayError, PagesError},
};

/// Longer words of a response are not quoted: they may be tokens.
const LONGEST_WORD: usize = 40;

/// Why `api` has no result, or not the whole one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the body cannot be read from {}: {source}", telemetry::excerpt(name))]
    Input { name: String, source: io::Error },
    #[error(transparent)]
    Path(AmbiguousPath),
    #[error("{}", without_response(.0))]
    Gateway(GatewayError),
    #[error("{}\n  What is on stdout is not the whole response. Try again later.", telemetry::chain(.0))]
    Broken(Broken),
    #[error(transparent)]
    Status(StatusError),
    #[error("the page is longer than 32 MiB.\n  Fix: Ask for shorter pages, such as ?limit=20.")]
    TooLarge,
    #[error("{}", with_fix(.0))]
    Pages(PagesError),
}

/// A response with a status that is no success.
#[derive(Debug)]
pub(crate) struct StatusError {
    pub(crate) status: StatusCode,
    /// VideoAsk's words, where they are not on stdout.
    pub(crate) detail: Option<String>,
    /// When to ask again, if it says so.
    pub(crate) retry_after: Option<Duration>,
    pub(crate) location: Option<String>,
}

impl StatusError {
    /// With what the body says, if it is an error of VideoAsk's API.
    pub(crate) fn with_detail(self, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let detail = ["detail", "error_description"].iter().find_map(|name| json.get(name)?.as_str());
        let quote = |word| if str::len(word) > LONGEST_WORD { "[...]" } else { word };
        let detail = detail.map(|detail| detail.split(' ').map(quote).collect::<Vec<_>>().join(" "));
        Self { detail: detail.map(|detail| telemetry::excerpt(&detail)), ..self }
    }
}

impl std::error::Error for StatusError {}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VideoAsk returned status {}", self.status)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        match (self.status, &self.location, self.retry_after) {
            (StatusCode::UNAUTHORIZED, ..) => f.write_str(
                "\n  A fresh token did not help, or none could be had; `videoask-auth status` shows the state of the \
                 connection.",
            ),
            (StatusCode::FORBIDDEN, ..) => f.write_str(
                "\n  Is the user allowed to do this? If an organization is chosen by --organization or \
                 ORGANIZATION_ID, does the user belong to it?",
            ),
            (StatusCode::TOO_MANY_REQUESTS, _, Some(wait)) => write!(f, "\n  Try again in {} s.", wait.as_secs()),
            (status, Some(location), _) if status.is_redirection() => {
                write!(f, "\n  It redirects to {location}, and redirects are not followed.")
            }
            _ => Ok(()),
        }
    }
}

fn without_response(error: &GatewayError) -> String {
    match error {
        GatewayError::BodyIncomplete => {
            "the body could not be read to its end; what was sent of it may have arrived".to_owned()
        }
        GatewayError::Unreachable(_) => format!("{}\n  Nothing was sent. Try again later.", telemetry::chain(error)),
        error => format!(
            "{}\n  The request may have arrived: send it again only if twice does no harm.",
            telemetry::chain(error)
        ),
    }
}

fn with_fix(error: &PagesError) -> String {
    match error {
        PagesError::NotAList => {
            format!("{error}.\n  Fix: Leave out --paginate to see the response. Is VIDEOASK_API_URL right?")
        }
        PagesError::Endless => format!("{error}."),
    }
}
