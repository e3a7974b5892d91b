//! Checks authorize requests, and decides whether an error is reported to the user or to the app.

use axum::http::{StatusCode, Uri};

use super::{
    StandIn,
    faults::Deviation,
    pages::ErrorPage,
    params::{Params, Unreadable},
};

/// A valid authorize request.
pub(super) struct AuthorizeRequest {
    pub(super) params: Params,
    pub(super) callback: Callback,
}

/// The registered callback URL to redirect to, and the `state` to return.
pub(super) struct Callback {
    pub(super) uri: String,
    pub(super) state: Option<String>,
}

pub(super) enum Refusal {
    /// The client or the callback is unknown, so the user gets an error page instead of a redirect.
    Page(ErrorPage),
    /// The error is reported to the app by a redirect to the callback.
    Callback(Callback, AuthorizeError),
}

/// An OAuth error in a redirect.
pub(super) struct AuthorizeError {
    pub(super) error: &'static str,
    pub(super) description: String,
}

impl AuthorizeRequest {
    pub(super) fn scope(&self) -> String {
        self.params.get("scope").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

impl AuthorizeError {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, description: description.into() }
    }
}

impl StandIn {
    /// Checks the client and the callback first, because only if both are known may the response be a redirect.
    pub(super) fn authorize_request(&self, uri: &Uri) -> Result<AuthorizeRequest, Refusal> {
        let query = uri.query().unwrap_or_default();
        let params = Params::from_urlencoded(query.as_bytes()).map_err(|unreadable| match unreadable {
            Unreadable::Repeated(name) => bad_request(&format!("The parameter {name} is given twice.")),
            Unreadable::Malformed => bad_request("The query cannot be read."),
        })?;
        self.check_client(&params)?;
        let callback = self.callback(&params)?;
        match self.authorize_error(&params) {
            Some(problem) => Err(Refusal::Callback(callback, problem)),
            None => Ok(AuthorizeRequest { params, callback }),
        }
    }

    fn check_client(&self, params: &Params) -> Result<(), Refusal> {
        let id = params.get("client_id").ok_or_else(|| bad_request("The parameter client_id is missing."))?;
        if id == self.options().client_id {
            return Ok(());
        }
        Err(forbidden("Unknown client", &format!("No application has the client id {id}.")))
    }

    fn callback(&self, params: &Params) -> Result<Callback, Refusal> {
        let uri = params.get("redirect_uri").ok_or_else(|| bad_request("The parameter redirect_uri is missing."))?;
        if self.options().callbacks.iter().any(|registered| registered == uri) {
            return Ok(Callback { uri: uri.into(), state: params.get("state").map(str::to_owned) });
        }
        let text = format!("{uri} is not in the list of Allowed Callback URLs of this application.");
        Err(forbidden("Callback URL mismatch", &text))
    }

    fn authorize_error(&self, params: &Params) -> Option<AuthorizeError> {
        match params.get("response_type") {
            Some("code") => {}
            Some(other) => {
                return Some(AuthorizeError::new(
                    "unsupported_response_type",
                    format!("Unsupported response type: {other}"),
                ));
            }
            None => return Some(AuthorizeError::new("invalid_request", "Missing required parameter: response_type")),
        }
        match params.get("audience") {
            Some(audience) if audience != self.options().audience => {
                Some(AuthorizeError::new("access_denied", format!("Service not found: {audience}")))
            }
            _ => self.pkce_error(params).map(|description| AuthorizeError::new("invalid_request", description)),
        }
    }

    fn pkce_error(&self, params: &Params) -> Option<&'static str> {
        match (params.get("code_challenge"), params.get("code_challenge_method")) {
            (Some(_), _) if self.has(Deviation::RefusePkce) => Some("PKCE is not enabled for this client"),
            (Some(challenge), Some("S256")) if challenge.len() == 43 => None,
            (Some(_), Some("S256")) => Some("Parameter code_challenge must be a SHA-256, base64url-encoded"),
            (Some(_), _) => Some("Parameter code_challenge_method must be S256"),
            (None, Some(_)) => Some("Parameter code_challenge is missing"),
            (None, None) => {
                self.has(Deviation::StrictClient).then_some("Parameter code_challenge is required for this client")
            }
        }
    }
}

fn bad_request(text: &str) -> Refusal {
    Refusal::Page(ErrorPage::new(StatusCode::BAD_REQUEST, "Bad request", text))
}

fn forbidden(title: &str, text: &str) -> Refusal {
    Refusal::Page(ErrorPage::new(StatusCode::FORBIDDEN, title, text))
}
