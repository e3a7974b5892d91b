//! `/authorize`: the login page, and the way back from it.

use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use url::Url;

use super::{
    StandIn,
    directory::User,
    faults::{Endpoint, Quirk},
    guard,
    ledger::{Approval, Consent},
    pages::{ErrorPage, LoginPage},
    params::{Params, Unreadable},
};

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    Router::new().route("/authorize", guard::guarded(standin, Endpoint::Authorize, get(page).post(decide)))
}

/// An authorize request that may be shown to a person.
struct Request {
    params: Params,
    callback: Callback,
}

/// Where the answer goes: known to be registered.
struct Callback {
    uri: Url,
    state: Option<String>,
}

enum Refusal {
    /// Nobody can be trusted with the answer, so the person gets a page.
    Page(ErrorPage),
    /// The application hears of it.
    Callback(Callback, Problem),
}

struct Problem {
    error: &'static str,
    description: String,
}

#[derive(Deserialize)]
struct Decision {
    #[serde(default)]
    user: String,
    #[serde(default)]
    decision: String,
}

async fn page(State(standin): State<StandIn>, uri: Uri, headers: HeaderMap) -> Response {
    standin.locked(|state| state.counters.last_authorize = uri.query().map(str::to_owned));
    let request = match standin.read(&uri) {
        Ok(request) => request,
        Err(refusal) => return standin.refused(refusal),
    };
    if request.params.get("prompt") == Some("none") {
        let problem = Problem { error: "login_required", description: "Login required".into() };
        return standin.refused(Refusal::Callback(request.callback, problem));
    }
    let hinted = request.params.get("login_hint").and_then(User::find);
    let remembered = || standin.remembered(&headers).filter(|_| request.params.get("prompt") != Some("login"));
    let preselected = hinted.or_else(remembered);
    let scopes = request.params.get("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    LoginPage::new(&uri, &request.callback.uri, preselected, scopes).into_response()
}

async fn decide(State(standin): State<StandIn>, uri: Uri, Form(decision): Form<Decision>) -> Response {
    let request = match standin.read(&uri) {
        Ok(request) => request,
        Err(refusal) => return standin.refused(refusal),
    };
    match (decision.decision.as_str(), User::find(&decision.user)) {
        ("approve", Some(user)) => {
            let remember = AppendHeaders([(header::SET_COOKIE, standin.remember(&user))]);
            (remember, standin.approve(request, user)).into_response()
        }
        ("deny", _) => {
            standin.locked(|state| state.counters.denials += 1);
            let problem = Problem { error: "access_denied", description: "User did not authorize the request".into() };
            standin.refused(Refusal::Callback(request.callback, problem))
        }
        _ => ErrorPage::new(StatusCode::BAD_REQUEST, "This form is not complete", "Pick an account and a button.")
            .into_response(),
    }
}

/// Answers an authorize request with an error of the test's choice.
pub(super) fn refuse(standin: &StandIn, uri: &Uri, error: &str, description: &str) -> Response {
    match standin.read(uri) {
        Ok(request) => standin.redirect(&request.callback, &[("error", error), ("error_description", description)]),
        Err(refusal) => standin.refused(refusal),
    }
}

impl StandIn {
    fn read(&self, uri: &Uri) -> Result<Request, Refusal> {
        let page = |status, title: &str, text: String| Err(Refusal::Page(ErrorPage::new(status, title, &text)));
        let params = match Params::from_urlencoded(uri.query().unwrap_or_default().as_bytes()) {
            Ok(params) => params,
            Err(Unreadable::Repeated(name)) => {
                return page(StatusCode::BAD_REQUEST, "Bad request", format!("The parameter {name} is given twice."));
            }
            Err(Unreadable::Malformed) => {
                return page(StatusCode::BAD_REQUEST, "Bad request", "The query cannot be read.".into());
            }
        };
        match params.get("client_id") {
            None => return page(StatusCode::BAD_REQUEST, "Bad request", "The parameter client_id is missing.".into()),
            Some(id) if id != self.options().client_id => {
                return page(
                    StatusCode::FORBIDDEN,
                    "Unknown client",
                    format!("No application has the client id {id}."),
                );
            }
            Some(_) => {}
        }
        let callback = self.callback(&params)?;
        match self.problem(&params) {
            Some(problem) => Err(Refusal::Callback(callback, problem)),
            None => Ok(Request { params, callback }),
        }
    }

    fn callback(&self, params: &Params) -> Result<Callback, Refusal> {
        let Some(given) = params.get("redirect_uri") else {
            let text = "The parameter redirect_uri is missing.";
            return Err(Refusal::Page(ErrorPage::new(StatusCode::BAD_REQUEST, "Bad request", text)));
        };
        let registered = self.options().callbacks.iter().any(|callback| callback == given);
        match Url::parse(given).ok().filter(|_| registered) {
            Some(uri) => Ok(Callback { uri, state: params.get("state").map(str::to_owned) }),
            None => {
                let text = format!("{given} is not in the list of Allowed Callback URLs of this application.");
                Err(Refusal::Page(ErrorPage::new(StatusCode::FORBIDDEN, "Callback URL mismatch", &text)))
            }
        }
    }

    fn problem(&self, params: &Params) -> Option<Problem> {
        let invalid = |text: &str| Some(Problem { error: "invalid_request", description: text.into() });
        match params.get("response_type") {
            None => return invalid("Missing required parameter: response_type"),
            Some("code") => {}
            Some(other) => {
                let description = format!("Unsupported response type: {other}");
                return Some(Problem { error: "unsupported_response_type", description });
            }
        }
        if let Some(audience) = params.get("audience").filter(|audience| *audience != self.options().audience) {
            return Some(Problem { error: "access_denied", description: format!("Service not found: {audience}") });
        }
        match (params.get("code_challenge"), params.get("code_challenge_method")) {
            (Some(_), _) if self.has(Quirk::RefusePkce) => invalid("PKCE is not enabled for this client"),
            (Some(challenge), Some("S256")) if challenge.len() == 43 => None,
            (Some(_), Some("S256")) => invalid("Parameter code_challenge must be a SHA-256, base64url-encoded"),
            (Some(_), _) => invalid("Parameter code_challenge_method must be S256"),
            (None, Some(_)) => invalid("Parameter code_challenge is missing"),
            (None, None) if self.is_strict_client() => invalid("Parameter code_challenge is required for this client"),
            (None, None) => None,
        }
    }

    fn approve(&self, request: Request, user: User) -> Response {
        let Request { params, callback } = request;
        let consent = Consent {
            user,
            scope: params.get("scope").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
            for_api: params.get("audience").is_some(),
        };
        let owned = |name| params.get(name).map(str::to_owned);
        let redirect_uri = owned("redirect_uri").unwrap_or_default();
        let approval = Approval { consent, redirect_uri, nonce: owned("nonce"), challenge: owned("code_challenge") };
        let now = self.now();
        let code = self.locked(|state| {
            state.counters.approvals += 1;
            state.ledger.issue_code(now, approval)
        });
        self.redirect(&callback, &[("code", &code)])
    }

    fn refused(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Page(page) => page.into_response(),
            Refusal::Callback(callback, Problem { error, description }) => {
                self.redirect(&callback, &[("error", error), ("error_description", &description)])
            }
        }
    }

    fn redirect(&self, callback: &Callback, answer: &[(&str, &str)]) -> Response {
        let mut uri = callback.uri.clone();
        let mut query = uri.query_pairs_mut();
        query.extend_pairs(answer);
        if let Some(state) = &callback.state {
            query.append_pair("state", if self.has(Quirk::WrongState) { "another-state" } else { state });
        }
        if self.has(Quirk::WrongCallbackIssuer) {
            query.append_pair("iss", "https://another.example/");
        } else if self.has(Quirk::CallbackIssuer) {
            query.append_pair("iss", &self.issuer());
        }
        drop(query);
        let found =
            (StatusCode::FOUND, [(header::LOCATION, String::from(uri)), (header::CACHE_CONTROL, "no-store".into())]);
        found.into_response()
    }

    /// The cookie has the port in its name, since cookies do not tell ports apart.
    fn cookie_name(&self) -> String {
        format!("pretend_videoask_login_{}", self.0.base_url.port_or_known_default().unwrap_or_default())
    }

    fn remember(&self, user: &User) -> String {
        format!("{}={}; Path=/authorize; HttpOnly; SameSite=Lax", self.cookie_name(), user.email)
    }

    fn remembered(&self, headers: &HeaderMap) -> Option<User> {
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).and_then(|(_, email)| User::find(email))
    }
}
