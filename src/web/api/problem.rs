//! Every way in which a machine request can fail, as an RFC 9457 problem.
//!
//! The caller gets a stable `type` and constant sentences, with VideoAsk's message (cut and escaped) if that helps. The
//! cause is logged once, with the request id of the response.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    api_key::{AuthenticationError, Uncovered},
    config::AppUrl,
    telemetry::{self, ProblemType, RequestId},
    vault::{NextStep, Retry, VaultError},
    videoask::GatewayError,
};

/// What comes before the word in a `type`: a name, not an address, and the same wherever this app runs.
pub(crate) const NAMESPACE: &str = "urn:videoask-auth:";
/// The last part of the `type`, for those who get no body, as in a response to HEAD.
pub(crate) const TYPE_HEADER: HeaderName = HeaderName::from_static("x-videoask-auth-problem");
/// The words for "log in", since a field has the address.
const LOG_IN: &str = "Log in again at login_url.";

#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the request has no API key")]
    KeyMissing,
    #[error("the request has an unknown API key")]
    KeyWrong,
    #[error("the request has an expired API key")]
    KeyExpired,
    #[error("the API key does not cover this {uncovered}")]
    InsufficientScope { uncovered: Uncovered, covers: Box<str> },
    /// A value that this route does not take; the words say which.
    #[error("the request is not valid: {0}")]
    Invalid(&'static str),
    /// The vault has no token, or did not do as asked.
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("VideoAsk's API could not be asked")]
    UpstreamUnavailable(#[source] GatewayError),
    #[error("no such route")]
    NotFound,
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("request too large")]
    TooLarge,
    #[error("internal error")]
    Internal,
}

#[derive(Serialize)]
struct Body {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: Cow<'static, str>,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    /// The last part of the `type`, which callers may rely on.
    pub(super) fn r#type(&self) -> ProblemType {
        match self {
            Self::KeyMissing | Self::KeyWrong | Self::KeyExpired => ProblemType::Unauthorized,
            Self::InsufficientScope { .. } => ProblemType::InsufficientScope,
            Self::Invalid(_) => ProblemType::InvalidRequest,
            Self::Vault(error) => error.r#type(),
            Self::UpstreamUnavailable(_) => ProblemType::UpstreamUnavailable,
            Self::NotFound => ProblemType::NotFound,
            Self::MethodNotAllowed => ProblemType::MethodNotAllowed,
            Self::TooLarge => ProblemType::TooLarge,
            Self::Internal => ProblemType::Internal,
        }
    }

    /// What happened this time, and what to do.
    pub(super) fn detail(&self) -> Cow<'static, str> {
        let sentence = match self {
            Self::Vault(VaultError::Internal) | Self::Internal => {
                let meaning = VaultError::Internal.explain(Retry::Automatic).meaning;
                return format!("{meaning} The log has the cause under the request id.").into();
            }
            Self::Vault(error) => return error.explain(Retry::Automatic).detail(LOG_IN).into(),
            Self::Invalid(detail) => detail,
            Self::KeyMissing => "Send one of this app's API keys in one header `Authorization: Bearer <key>`.",
            Self::KeyWrong => {
                "The key is neither in API_KEY nor one that `videoask-auth key list` shows. A token of VideoAsk's is no key."
            }
            Self::KeyExpired => "The key has expired. `videoask-auth key add` makes another one.",
            Self::InsufficientScope { uncovered, covers } => {
                return format!("It does not cover this {uncovered}. It covers: {covers}.").into();
            }
            Self::UpstreamUnavailable(GatewayError::Unreachable(_)) => {
                "It could not be reached, and nothing was sent. Ask again."
            }
            Self::UpstreamUnavailable(GatewayError::HeadersTooLarge) => {
                "Its response has more than 64 KiB of headers. The request has arrived: send it again only if twice does \
                 no harm."
            }
            Self::UpstreamUnavailable(_) => {
                "It broke off, or was silent for a minute. The request may have arrived: send it again only if twice \
                 does no harm."
            }
            Self::NotFound => {
                "/api/openapi.json describes the routes, and VideoAsk's API is below /proxy/. Without ALLOWED_USERS there are \
                 none."
            }
            Self::MethodNotAllowed => "The header Allow lists the methods that it takes.",
            Self::TooLarge => "Nothing that this route takes is that long.",
        };
        sentence.into()
    }

    /// After how many seconds the caller should retry.
    pub(super) fn retry_after(&self, now: OffsetDateTime) -> Option<u64> {
        let Self::Vault(error) = self else { return None };
        let after = match error {
            VaultError::ProviderRefused { failure } => failure.wait(now),
            error => error.retry_after()?,
        };
        // Rounded up, since a request that is too early fails.
        Some(after.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1))
    }

    fn reason(&self) -> Option<String> {
        let Self::Vault(error) = self else { return None };
        let title = || matches!(error, VaultError::ReconnectRequired(_)).then(|| error.title().to_owned());
        error.failure().map(|failure| failure.message.to_string()).or_else(title)
    }

    /// The challenge of RFC 6750, 3. It has an error code only if the request had a key.
    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::KeyMissing => Some("Bearer realm=\"videoask-auth\""),
            Self::KeyWrong | Self::KeyExpired => Some("Bearer realm=\"videoask-auth\", error=\"invalid_token\""),
            Self::InsufficientScope { .. } => Some("Bearer realm=\"videoask-auth\", error=\"insufficient_scope\""),
            _ => None,
        }
    }

    pub(super) fn needs_login(&self) -> bool {
        let Self::Vault(error) = self else { return false };
        error.explain(Retry::Automatic).next_step == Some(NextStep::LogInAgain)
    }

    /// Logs the cause of a response with this status.
    pub(super) fn log(&self, status: StatusCode) {
        let cause = telemetry::chain(self);
        match self {
            Self::NotFound | Self::MethodNotAllowed => tracing::debug!(cause, "a machine's request failed"),
            _ if status.is_server_error() => tracing::error!(cause, "a machine's request failed"),
            _ => tracing::warn!(cause, "a machine's request failed"),
        }
    }
}

impl From<AuthenticationError> for Problem {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Unknown => Self::KeyWrong,
            AuthenticationError::Expired => Self::KeyExpired,
            AuthenticationError::StoreUnavailable => VaultError::StoreUnavailable.into(),
        }
    }
}

impl From<GatewayError> for Problem {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::NoToken(error) => error.into(),
            GatewayError::BodyIncomplete => {
                Self::Invalid("The body broke off before its end, or a minute went by without anything more of it.")
            }
            error => Self::UpstreamUnavailable(error),
        }
    }
}

fn status_of(r#type: ProblemType) -> StatusCode {
    match r#type {
        ProblemType::Unauthorized => StatusCode::UNAUTHORIZED,
        ProblemType::InvalidRequest => StatusCode::BAD_REQUEST,
        ProblemType::NotAllowed | ProblemType::InsufficientScope => StatusCode::FORBIDDEN,
        ProblemType::NotConnected | ProblemType::NotFound => StatusCode::NOT_FOUND,
        ProblemType::AmbiguousUser
        | ProblemType::ReconnectRequired
        | ProblemType::OtherClient
        | ProblemType::Undecryptable => StatusCode::CONFLICT,
        ProblemType::ProviderUnavailable | ProblemType::ProviderRefused | ProblemType::StoreUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ProblemType::UpstreamUnavailable => StatusCode::BAD_GATEWAY,
        ProblemType::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ProblemType::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemType::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title_of(r#type: ProblemType) -> &'static str {
    match r#type {
        ProblemType::Unauthorized => "An API key is needed",
        ProblemType::InvalidRequest => "The request is not valid",
        ProblemType::NotAllowed => "The user is not listed",
        ProblemType::InsufficientScope => "The API key does not cover this",
        ProblemType::NotConnected => "The user is not connected",
        ProblemType::AmbiguousUser => "The name fits more than one connection",
        ProblemType::ReconnectRequired => "Log in again",
        ProblemType::ProviderUnavailable => "VideoAsk gives no tokens at the moment",
        ProblemType::ProviderRefused => "VideoAsk refuses this app",
        ProblemType::OtherClient => "The tokens belong to another app",
        ProblemType::Undecryptable => "The tokens cannot be decrypted",
        ProblemType::StoreUnavailable => "The store does not answer",
        ProblemType::UpstreamUnavailable => "VideoAsk's API does not answer",
        ProblemType::NotFound => "There is no such route",
        ProblemType::MethodNotAllowed => "The route does not take this method",
        ProblemType::TooLarge => "The request is too large",
        ProblemType::Internal => "Something broke in this app",
    }
}

/// A problem, in a response's extensions, for the layer that knows the request id. Extensions must be `Clone`.
#[derive(Clone, Debug)]
pub(crate) struct ProblemReport(Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = status_of(self.r#type()).into_response();
        response.extensions_mut().insert(ProblemReport(Arc::new(self)));
        response
    }
}

impl ProblemReport {
    pub(crate) fn render(&self, app_url: &AppUrl, now: OffsetDateTime, id: RequestId) -> Response {
        let problem = &*self.0;
        let r#type = problem.r#type();
        let status = status_of(r#type);
        problem.log(status);
        let retry_after = problem.retry_after(now);
        let body = Json(Body {
            r#type: format!("{NAMESPACE}{}", r#type.as_str()),
            title: title_of(r#type),
            status: status.as_u16(),
            detail: problem.detail(),
            request_id: id.to_string(),
            login_url: problem.needs_login().then(|| app_url.login().to_string()),
            reason: problem.reason(),
            retry_after,
        });
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(TYPE_HEADER, HeaderValue::from_static(r#type.as_str()));
        headers.extend(retry_after.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        let challenge = problem.challenge().map(HeaderValue::from_static);
        headers.extend(challenge.map(|challenge| (header::WWW_AUTHENTICATE, challenge)));
        response
    }
}
