//! Every way a machine's request can fail, as RFC 9457 has it.
//!
//! The policy is that of the pages: the caller reads a constant sentence and a stable `type`, with what VideoAsk
//! itself said (cut and escaped) where that helps; the cause goes to the log, once, under the request id of the answer.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    config::AppUrl,
    telemetry::{self, ProblemType},
    vault::{NextStep, Obstacle, Reconnect, RefreshFailure, Retry, Rotation, Undecryptable, VaultError},
    videoask::GatewayError,
    web::request_id::RequestId,
};

/// What comes before the word in a `type`: a name, not an address, and the same wherever this app runs.
const NAMESPACE: &str = "urn:videoask-auth:";
/// When to ask again, where nothing tells.
const SOON: Duration = Duration::from_secs(5);

/// Why a machine gets no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// No API key, or one in the wrong place.
    #[error("no API key came")]
    KeyMissing,
    /// A key that is none of `API_KEY`.
    #[error("a wrong API key came")]
    KeyWrong,
    /// A value that this route does not take; the words say which.
    #[error("the request is not valid: {0}")]
    Invalid(&'static str),
    /// More life was demanded than can be had.
    #[error("min_ttl is over half the token's life, which is {} s", most.as_secs())]
    TooLong {
        /// What can be had.
        most: Duration,
    },
    /// The user is not in `ALLOWED_USERS`.
    #[error("the user is not in ALLOWED_USERS")]
    NotAllowed,
    /// A listed user has no connection.
    #[error("the user is not connected")]
    NotConnected,
    /// The name fits more than one connection.
    #[error("the name fits more than one connection")]
    AmbiguousUser,
    /// Only a new login helps.
    #[error("log in again: {0}")]
    ReconnectRequired(Reconnect),
    /// VideoAsk gave no token this time.
    #[error("VideoAsk gives no tokens at the moment")]
    ProviderUnavailable {
        /// When it is tried again.
        retry_after: Duration,
    },
    /// VideoAsk refuses this app.
    #[error("VideoAsk refuses this app: {}", failure.message)]
    ProviderRefused {
        /// What it said, and when it is tried again.
        failure: Box<RefreshFailure>,
    },
    /// So many connections were encrypted by an `EXPRESS_SESSION` that is not at hand.
    #[error("{0}")]
    Undecryptable(Undecryptable),
    /// The connection was made by another client.
    #[error("the connection belongs to another client")]
    OtherClient,
    /// The store does not answer.
    #[error("the store does not answer")]
    StoreUnavailable,
    /// VideoAsk's API could not be asked.
    #[error("VideoAsk's API could not be asked")]
    UpstreamUnavailable(#[source] GatewayError),
    /// No such route.
    #[error("no such route")]
    NotFound,
    /// The route is there, but not for this method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// A body beyond what this route takes.
    #[error("request too large")]
    TooLarge,
    /// A bug of ours.
    #[error("internal error")]
    Internal,
}

/// `application/problem+json`.
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
    /// The last word of the `type`, which callers may rely on.
    pub(super) fn r#type(&self) -> ProblemType {
        match self {
            Self::KeyMissing | Self::KeyWrong => ProblemType::Unauthorized,
            Self::Invalid(_) | Self::TooLong { .. } => ProblemType::InvalidRequest,
            Self::NotAllowed => ProblemType::NotAllowed,
            Self::NotConnected => ProblemType::NotConnected,
            Self::AmbiguousUser => ProblemType::AmbiguousUser,
            Self::ReconnectRequired(_) => ProblemType::ReconnectRequired,
            Self::ProviderUnavailable { .. } => ProblemType::ProviderUnavailable,
            Self::ProviderRefused { .. } => ProblemType::ProviderRefused,
            Self::OtherClient => ProblemType::OtherClient,
            Self::Undecryptable(_) => ProblemType::Undecryptable,
            Self::StoreUnavailable => ProblemType::StoreUnavailable,
            Self::UpstreamUnavailable(_) => ProblemType::UpstreamUnavailable,
            Self::NotFound => ProblemType::NotFound,
            Self::MethodNotAllowed => ProblemType::MethodNotAllowed,
            Self::TooLarge => ProblemType::TooLarge,
            Self::Internal => ProblemType::Internal,
        }
    }

    /// The caller has waited as long as it may.
    pub(super) fn timed_out() -> Self {
        Self::ProviderUnavailable { retry_after: SOON }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::KeyMissing | Self::KeyWrong => StatusCode::UNAUTHORIZED,
            Self::Invalid(_) | Self::TooLong { .. } => StatusCode::BAD_REQUEST,
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::NotConnected | Self::NotFound => StatusCode::NOT_FOUND,
            Self::AmbiguousUser | Self::ReconnectRequired(_) | Self::OtherClient | Self::Undecryptable(_) => {
                StatusCode::CONFLICT
            }
            Self::ProviderUnavailable { .. } | Self::ProviderRefused { .. } | Self::StoreUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::UpstreamUnavailable(_) => StatusCode::BAD_GATEWAY,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the type means; the same words for every problem of a type.
    fn title(&self) -> &'static str {
        match self {
            Self::KeyMissing | Self::KeyWrong => "An API key is needed",
            Self::Invalid(_) | Self::TooLong { .. } => "The request is not valid",
            Self::NotAllowed => "The user is not listed",
            Self::NotConnected => "The user is not connected",
            Self::AmbiguousUser => "The name fits more than one connection",
            Self::ReconnectRequired(_) => "Log in again",
            Self::ProviderUnavailable { .. } => "VideoAsk gives no tokens at the moment",
            Self::ProviderRefused { .. } => "VideoAsk refuses this app",
            Self::OtherClient => "The tokens belong to another app",
            Self::Undecryptable(_) => "The tokens cannot be decrypted",
            Self::StoreUnavailable => "The store does not answer",
            Self::UpstreamUnavailable(_) => "VideoAsk's API does not answer",
            Self::NotFound => "There is no such route",
            Self::MethodNotAllowed => "The route does not take this method",
            Self::TooLarge => "The request is too large",
            Self::Internal => "Something broke in this app",
        }
    }

    /// What happened this time, and what to do.
    fn detail(&self) -> Cow<'static, str> {
        let sentence = match self {
            Self::TooLong { most } => {
                return format!("`min_ttl` can be {} at most, half of the token's life.", most.as_secs()).into();
            }
            Self::Invalid(detail) => detail,
            Self::KeyMissing => "Send one of this app's API keys in one header `Authorization: Bearer <key>`.",
            Self::KeyWrong => "The key is none of those in API_KEY. A token of VideoAsk's is no key.",
            Self::NotAllowed => "This user is not in ALLOWED_USERS, and only listed users' tokens are used.",
            Self::NotConnected => {
                "There are no tokens of this user: never logged in, revoked, or forgotten. Log in at login_url."
            }
            Self::AmbiguousUser => "Name the user by VideoAsk's user_id; /api/connections lists them.",
            Self::ProviderUnavailable { .. } => {
                "The refresh did not work, or takes long. The connection is kept, and it is tried again."
            }
            Self::ProviderRefused { failure } => return advice(failure, "The connection is kept.").into(),
            Self::ReconnectRequired(Reconnect::Dead(failure)) => {
                return advice(failure, "The connection has ended.").into();
            }
            Self::ReconnectRequired(Reconnect::Ended) => "The connection has ended. Log in again at login_url.",
            Self::ReconnectRequired(Reconnect::NoRefreshToken) => {
                "The access token has expired, or does not last that long, and there is no refresh token. Log in again \
                 at login_url."
            }
            Self::Undecryptable(count) => return format!("{count}. {}", Undecryptable::FIX).into(),
            Self::OtherClient => return Obstacle::OtherClient.to_string().into(),
            Self::StoreUnavailable => "The tokens cannot be read at the moment. Ask again.",
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
                "With API_KEY set, /api/openapi.json describes the routes, and VideoAsk's API is below /proxy/. Without \
                 ALLOWED_USERS and API_KEY there are none."
            }
            Self::MethodNotAllowed => "The header Allow lists the methods that it takes.",
            Self::TooLarge => "Nothing that this route takes is that long.",
            Self::Internal => "It is a fault of this app's own. The log has the cause under the request id.",
        };
        sentence.into()
    }

    /// When asking again makes sense, in seconds.
    fn retry_after(&self, now: OffsetDateTime) -> Option<u64> {
        let after = match self {
            Self::ProviderUnavailable { retry_after } => *retry_after,
            Self::ProviderRefused { failure } => failure.wait(now),
            Self::StoreUnavailable => SOON,
            _ => return None,
        };
        // Rounded up: a caller that is early asks in vain.
        Some(after.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1))
    }

    fn reason(&self) -> Option<String> {
        match self {
            Self::ReconnectRequired(reason @ (Reconnect::NoRefreshToken | Reconnect::Ended)) => {
                Some(reason.to_string())
            }
            Self::ReconnectRequired(Reconnect::Dead(failure)) | Self::ProviderRefused { failure } => {
                Some(failure.message.to_string())
            }
            _ => None,
        }
    }

    /// What RFC 6750, 3 asks for: an error code only where a key came.
    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::KeyMissing => Some("Bearer realm=\"videoask-auth\""),
            Self::KeyWrong => Some("Bearer realm=\"videoask-auth\", error=\"invalid_token\""),
            _ => None,
        }
    }

    fn needs_login(&self) -> bool {
        match self {
            Self::NotConnected | Self::ReconnectRequired(_) | Self::Undecryptable(_) | Self::OtherClient => true,
            Self::ProviderRefused { failure } => next_step(failure) == NextStep::LogInAgain,
            _ => false,
        }
    }
}

/// Machines exist in keep mode only, where the vault retries.
fn next_step(failure: &RefreshFailure) -> NextStep {
    failure.cause.next_step(Retry::Automatic)
}

/// What became of the connection, why, and what to do.
fn advice(failure: &RefreshFailure, state: &str) -> String {
    let likely = failure.cause.explanation(Rotation::Unknown);
    match next_step(failure) {
        NextStep::LogInAgain => format!("{state} {likely} Log in again at login_url."),
        step @ (NextStep::Wait | NextStep::RefreshAgain | NextStep::Check | NextStep::AskAdministrator) => {
            format!("{state} {likely} {step}")
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::NotConnected => Self::NotConnected,
            VaultError::NotAllowed => Self::NotAllowed,
            VaultError::AmbiguousUser => Self::AmbiguousUser,
            VaultError::MinLifeTooLong { longest } => Self::TooLong { most: longest },
            VaultError::ReconnectRequired(reason) => Self::ReconnectRequired(reason),
            VaultError::ProviderUnavailable { retry_after } => Self::ProviderUnavailable { retry_after },
            VaultError::ProviderRefused { failure } => Self::ProviderRefused { failure },
            VaultError::StoreUnavailable => Self::StoreUnavailable,
            VaultError::OtherClient => Self::OtherClient,
            VaultError::Busy | VaultError::Stopping => Self::timed_out(),
            VaultError::Undecryptable(count) => Self::Undecryptable(count),
            // Mint mode alone returns `Expired`, and no API call revokes.
            VaultError::Expired | VaultError::RevokeUnconfirmed | VaultError::Internal => Self::Internal,
        }
    }
}

/// A problem on its way to the layer that knows the request id. Responses are cloned with their extensions.
#[derive(Clone, Debug)]
pub(crate) struct ProblemReport(Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(ProblemReport(Arc::new(self)));
        response
    }
}

impl ProblemReport {
    /// Logs the cause and gives the answer.
    pub(crate) fn render(&self, app_url: &AppUrl, now: OffsetDateTime, id: RequestId) -> Response {
        let problem = &*self.0;
        let status = problem.status();
        self.log(status);
        let retry_after = problem.retry_after(now);
        let body = Json(Body {
            r#type: format!("{NAMESPACE}{}", problem.r#type().as_str()),
            title: problem.title(),
            status: status.as_u16(),
            detail: problem.detail(),
            request_id: id.to_string(),
            login_url: problem.needs_login().then(|| app_url.login().into()),
            reason: problem.reason(),
            retry_after,
        });
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(retry_after.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        let challenge = problem.challenge().map(HeaderValue::from_static);
        headers.extend(challenge.map(|challenge| (header::WWW_AUTHENTICATE, challenge)));
        response
    }

    fn log(&self, status: StatusCode) {
        let cause = telemetry::chain(&*self.0);
        match &*self.0 {
            Problem::NotFound | Problem::MethodNotAllowed => tracing::debug!(cause, "a machine's request failed"),
            _ if status.is_server_error() => tracing::error!(cause, "a machine's request failed"),
            _ => tracing::warn!(cause, "a machine's request failed"),
        }
    }
}
