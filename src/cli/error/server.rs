//! Why a server elsewhere did not do what a command asks of it.

use std::fmt;

use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use url::Url;

use super::connection::{Advice, of_command, of_user};
use crate::{
    cli::response::Response,
    telemetry::{self, ProblemType, excerpt},
    videoask::GatewayError,
    web::{PROBLEM_NAMESPACE, PROBLEM_TYPE_HEADER},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    #[error("{}", without_response(server, source))]
    Unreachable { server: Url, source: GatewayError },
    #[error("{}", foreign(server, *status, location.as_deref()))]
    Foreign { server: Url, status: StatusCode, location: Option<String> },
    #[error("--user has a character that is in no user's name")]
    UserName,
    #[error(transparent)]
    Problem(Box<ServerProblem>),
}

/// What a server says of a failure (RFC 9457).
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) r#type: ProblemType,
    /// A response to HEAD has none.
    body: Option<ProblemBody>,
}

#[derive(Debug, Deserialize)]
struct ProblemBody {
    r#type: String,
    detail: String,
    request_id: String,
    login_url: Option<Url>,
    reason: Option<String>,
}

/// A problem, with the user and the server for its message.
#[derive(Debug)]
pub(crate) struct ServerProblem {
    problem: Problem,
    user: String,
    server: Url,
}

impl Problem {
    /// Nothing if another program wrote it.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let body: ProblemBody = serde_json::from_slice(json).ok()?;
        let r#type = ProblemType::named(body.r#type.strip_prefix(PROBLEM_NAMESPACE)?)?;
        Some(Self { r#type, body: Some(body) })
    }

    /// The problem of a response without a body.
    pub(crate) fn of_header(headers: &HeaderMap) -> Option<Self> {
        let r#type = ProblemType::named(headers.get(PROBLEM_TYPE_HEADER)?.to_str().ok()?)?;
        Some(Self { r#type, body: None })
    }
}

impl ServerError {
    /// What answers at this URL is not this app.
    pub(crate) fn foreign(server: &Url, response: &Response) -> Self {
        Self::Foreign { server: server.clone(), status: response.status, location: response.location() }
    }

    /// Whether the server says that it is this.
    pub(crate) fn is(&self, r#type: ProblemType) -> bool {
        matches!(self, Self::Problem(problem) if problem.r#type() == r#type)
    }

    pub(crate) fn problem(problem: Problem, user: Option<&str>, server: &Url) -> Self {
        let user = user.map_or_else(|| "the default user".to_owned(), excerpt);
        Self::Problem(Box::new(ServerProblem { problem, user, server: server.clone() }))
    }
}

impl ServerProblem {
    pub(super) fn r#type(&self) -> ProblemType {
        self.problem.r#type
    }
}

impl std::error::Error for ServerProblem {}

impl fmt::Display for ServerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { problem: Problem { r#type, body }, user, server } = self;
        let request_id = body.as_ref().map(|body| body.request_id.as_str());
        f.write_str(&of_user(*r#type, user).unwrap_or_else(|| of_server(*r#type, server, request_id)))?;
        let Some(body) = body else {
            return f.write_str("\n  A response to HEAD has no details. The same request with GET shows them.");
        };
        // Another field has the address itself.
        let detail = of_command(&body.detail.replace(" at login_url", ""));
        let said = body.reason.as_deref().map(excerpt);
        write!(f, "{}", Advice { detail: excerpt(&detail), said, login: body.login_url.as_ref() })
    }
}

/// What is wrong with the request, the key or the server.
fn of_server(problem: ProblemType, server: &Url, request_id: Option<&str>) -> String {
    match problem {
        ProblemType::Unauthorized => format!("{server} does not accept the API key in VIDEOASK_AUTH_API_KEY"),
        ProblemType::InsufficientScope => "the API key in VIDEOASK_AUTH_API_KEY is not enough".to_owned(),
        ProblemType::StoreUnavailable => format!("the store of {server} does not answer"),
        ProblemType::UpstreamUnavailable => "VideoAsk's API does not answer".to_owned(),
        ProblemType::NotFound => format!("{server} hands out no tokens"),
        ProblemType::InvalidRequest | ProblemType::MethodNotAllowed | ProblemType::TooLarge => {
            format!("{server} does not take this request")
        }
        _ => match request_id {
            Some(id) => format!("an internal error of {server}, request id {}", excerpt(id)),
            None => format!("an internal error of {server}"),
        },
    }
}

fn without_response(server: &Url, error: &GatewayError) -> String {
    match error {
        GatewayError::Unreachable(source) => {
            format!("{server} cannot be reached: {}\n  Nothing was sent. Try again later.", telemetry::chain(source))
        }
        GatewayError::Cut(source) => {
            format!("{server} broke off the connection: {}\n  Try again later.", telemetry::chain(source))
        }
        _ => format!("{server} did not respond as it should, or not within a minute.\n  Try again later."),
    }
}

fn foreign(server: &Url, status: StatusCode, location: Option<&str>) -> String {
    let redirect = location.map_or_else(String::new, |location| {
        format!("\n  It redirects to {location}, and the API key is not sent there.")
    });
    format!(
        "{server} returned status {status}, and not as this app would.{redirect}\n  Fix: Give the server's APP_URL by --server or \
         VIDEOASK_AUTH_SERVER."
    )
}
