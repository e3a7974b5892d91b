//! Failures of the token endpoint, in the form of RFC 6749, 5.2.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    telemetry::ProblemType,
    vault::VaultError,
    web::{api::problem::Problem, state::AppState},
};

const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"videoask-auth\", charset=\"UTF-8\"");

#[derive(Debug)]
pub(super) struct TokenError {
    code: ErrorCode,
    problem: Problem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    ServerError,
    /// It may work later, without a person.
    TemporarilyUnavailable,
}

#[derive(Serialize)]
struct Body {
    error: ErrorCode,
    error_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_uri: Option<String>,
}

impl TokenError {
    pub(super) const fn unsupported_grant_type(detail: &'static str) -> Self {
        Self { code: ErrorCode::UnsupportedGrantType, problem: Problem::Invalid(detail) }
    }

    pub(super) fn r#type(&self) -> ProblemType {
        self.problem.r#type()
    }

    pub(super) fn into_response(self, app: &AppState) -> Response {
        let Self { code, problem } = self;
        let status = match code {
            ErrorCode::InvalidClient => StatusCode::UNAUTHORIZED,
            ErrorCode::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::InvalidRequest if problem.r#type() == ProblemType::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidGrant
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType => StatusCode::BAD_REQUEST,
        };
        problem.log(status);
        let login_url = app.app_url.login();
        let body = Body {
            error: code,
            error_description: description(&problem, login_url.as_str()),
            error_uri: problem.needs_login().then(|| login_url.to_string()),
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        // What only a person ends is not retried, although the refresh is.
        let retry_after = problem.retry_after(app.clock.now()).filter(|_| code == ErrorCode::TemporarilyUnavailable);
        headers.extend(retry_after.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        response
    }
}

impl From<Problem> for TokenError {
    fn from(problem: Problem) -> Self {
        let code = match problem.r#type() {
            // Only a person helps, whatever else is wrong.
            _ if problem.needs_login() => ErrorCode::InvalidGrant,
            ProblemType::Unauthorized | ProblemType::NotAllowed | ProblemType::AmbiguousUser => {
                ErrorCode::InvalidClient
            }
            ProblemType::InsufficientScope => ErrorCode::UnauthorizedClient,
            ProblemType::InvalidRequest | ProblemType::TooLarge => ErrorCode::InvalidRequest,
            ProblemType::ProviderUnavailable
            | ProblemType::ProviderRefused
            | ProblemType::StoreUnavailable
            | ProblemType::UpstreamUnavailable => ErrorCode::TemporarilyUnavailable,
            ProblemType::NotConnected
            | ProblemType::ReconnectRequired
            | ProblemType::OtherClient
            | ProblemType::Undecryptable => ErrorCode::InvalidGrant,
            ProblemType::NotFound | ProblemType::MethodNotAllowed | ProblemType::Internal => ErrorCode::ServerError,
        };
        Self { code, problem }
    }
}

/// What happened and what to do, in the characters that RFC 6749, 5.2 permits.
fn description(problem: &Problem, login_url: &str) -> String {
    let detail = match problem {
        Problem::KeyMissing => {
            "Send client_id (a user, or default) and client_secret (one of this app's API keys), by HTTP Basic or in the \
             form."
                .into()
        }
        Problem::Vault(VaultError::NotAllowed) => {
            "client_id names a user, and this one is not in ALLOWED_USERS. Send default for the first user there.".into()
        }
        problem => problem.detail(),
    };
    let permitted = |character| match character {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => character,
        _ => '?',
    };
    detail.replace("login_url", login_url).chars().map(permitted).collect()
}
