//! Why a server elsewhere did not do what a command asks of it.

use std::fmt;

use reqwest::StatusCode;
use serde::Deserialize;
use url::Url;

use crate::{
    cli::response::Response,
    telemetry::{self, ProblemType, excerpt},
    videoask::GatewayError,
    web::PROBLEM_NAMESPACE,
};

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// There is no response.
    #[error("{}", without_response(server, source))]
    Unreachable { server: Url, source: GatewayError },
    /// What answers is not this app.
    #[error("{}", foreign(server, *status, location.as_deref()))]
    Foreign { server: Url, status: StatusCode, location: Option<String> },
    /// No request can carry this name.
    #[error("--user has a character that is in no user's name")]
    UserName,
    /// The server says why.
    #[error(transparent)]
    Problem(Box<ServerProblem>),
}

/// What a server says of a failure (RFC 9457).
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) r#type: ProblemType,
    body: ProblemBody,
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
        Some(Self { r#type, body })
    }
}

impl ServerError {
    /// What answers at this URL is not this app.
    pub(crate) fn foreign(server: &Url, response: &Response) -> Self {
        Self::Foreign { server: server.clone(), status: response.status, location: response.location() }
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
        match r#type {
            ProblemType::Unauthorized => write!(f, "{server} does not accept the API key in VIDEOASK_AUTH_API_KEY"),
            ProblemType::InsufficientScope => write!(f, "the API key in VIDEOASK_AUTH_API_KEY is not enough"),
            ProblemType::NotConnected => write!(f, "{user} is not connected"),
            ProblemType::NotAllowed => write!(f, "{user} is not in ALLOWED_USERS"),
            ProblemType::AmbiguousUser => write!(f, "{user} fits more than one connection"),
            ProblemType::ReconnectRequired => write!(f, "{user} must log in again"),
            ProblemType::ProviderUnavailable => write!(f, "VideoAsk gives no token for {user} at the moment"),
            ProblemType::ProviderRefused => write!(f, "VideoAsk refuses to refresh the token of {user}"),
            ProblemType::OtherClient | ProblemType::Undecryptable => write!(f, "no token for {user}"),
            ProblemType::StoreUnavailable => write!(f, "the store of {server} does not answer"),
            ProblemType::UpstreamUnavailable => write!(f, "VideoAsk's API does not answer"),
            ProblemType::NotFound => write!(f, "{server} hands out no tokens"),
            ProblemType::InvalidRequest | ProblemType::MethodNotAllowed | ProblemType::TooLarge => {
                write!(f, "{server} does not take this request")
            }
            ProblemType::Internal => {
                write!(f, "an internal error of {server}, request id {}", excerpt(&body.request_id))
            }
        }?;
        // The field has the address itself, and the option is what the parameter is here.
        let detail = body.detail.replace(" at login_url", "").replace("`min_ttl`", "--min-ttl");
        write!(f, "\n  {}", excerpt(&detail))?;
        if let Some(reason) = &body.reason {
            write!(f, "\n  VideoAsk said: {}", excerpt(reason))?;
        }
        match &body.login_url {
            Some(login) => write!(f, "\n  Log in: {login}"),
            None => Ok(()),
        }
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
