//! `/authorize`: the login page, and the redirect back to the app.

use axum::{
    Form, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use url::form_urlencoded;

use super::{
    StandIn,
    authorize_request::{AuthorizeError, AuthorizeRequest, Callback, Refusal},
    codes::Approval,
    fault_layer,
    faults::{Deviation, Endpoint},
    grants::Consent,
    pages::{ErrorPage, LoginPage},
    users::User,
};

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    Router::new().route("/authorize", fault_layer::with_faults(standin, Endpoint::Authorize, get(page).post(decide)))
}

/// What the login page's form sends.
#[derive(Deserialize)]
struct Decision {
    #[serde(default)]
    user: String,
    #[serde(default)]
    decision: String,
}

async fn page(State(standin): State<StandIn>, uri: Uri, headers: HeaderMap) -> Response {
    standin.locked(|state| state.counters.last_authorize = uri.query().map(str::to_owned));
    let request = match standin.authorize_request(&uri) {
        Ok(request) => request,
        Err(refusal) => return standin.refused(refusal),
    };
    let param = |name| request.params.get(name);
    if param("prompt") == Some("none") {
        return standin
            .refused(Refusal::Callback(request.callback, AuthorizeError::new("login_required", "Login required")));
    }
    let remembered = || standin.remembered(&headers).filter(|_| param("prompt") != Some("login"));
    let preselected = param("login_hint").and_then(User::find).or_else(remembered);
    LoginPage::new(&uri, &request.callback.uri, preselected, &request.scope()).into_response()
}

async fn decide(State(standin): State<StandIn>, uri: Uri, Form(decision): Form<Decision>) -> Response {
    let request = match standin.authorize_request(&uri) {
        Ok(request) => request,
        Err(refusal) => return standin.refused(refusal),
    };
    match (decision.decision.as_str(), User::find(&decision.user)) {
        ("approve", Some(user)) => {
            let remember = AppendHeaders([(header::SET_COOKIE, standin.remember(&user))]);
            (remember, standin.approve(&request, user)).into_response()
        }
        ("deny", _) => {
            let problem = AuthorizeError::new("access_denied", "User did not authorize the request");
            standin.refused(Refusal::Callback(request.callback, problem))
        }
        _ => ErrorPage::new(StatusCode::BAD_REQUEST, "This form is not complete", "Pick an account and a button.")
            .into_response(),
    }
}

/// Answers an authorize request with an error that a test asked for.
pub(super) fn refuse(standin: &StandIn, uri: &Uri, error: &str, description: &str) -> Response {
    match standin.authorize_request(uri) {
        Ok(request) => standin.redirect(&request.callback, &[("error", error), ("error_description", description)]),
        Err(refusal) => standin.refused(refusal),
    }
}

impl StandIn {
    fn approve(&self, request: &AuthorizeRequest, user: User) -> Response {
        let owned = |name| request.params.get(name).map(str::to_owned);
        let consent = Consent { user, scope: request.scope(), for_api: request.params.get("audience").is_some() };
        let approval = Approval {
            consent,
            redirect_uri: request.callback.uri.clone(),
            nonce: owned("nonce"),
            challenge: owned("code_challenge"),
        };
        let now = self.now();
        let code = self.locked(|state| state.grants.codes.issue(now, approval));
        self.redirect(&request.callback, &[("code", &code)])
    }

    fn refused(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Page(page) => page.into_response(),
            Refusal::Callback(callback, AuthorizeError { error, description }) => {
                self.redirect(&callback, &[("error", error), ("error_description", &description)])
            }
        }
    }

    fn redirect(&self, callback: &Callback, answer: &[(&str, &str)]) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(answer);
        if let Some(state) = &callback.state {
            query.append_pair("state", if self.has(Deviation::WrongState) { "another-state" } else { state });
        }
        if self.has(Deviation::WrongCallbackIssuer) {
            query.append_pair("iss", "https://another.example/");
        } else if self.has(Deviation::CallbackIssuer) {
            query.append_pair("iss", &self.issuer());
        }
        let separator = if callback.uri.contains('?') { '&' } else { '?' };
        let location = format!("{}{separator}{}", callback.uri, query.finish());
        let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store".into())];
        (StatusCode::FOUND, headers).into_response()
    }

    /// The name of the cookie. It has the port in it, because browsers send a host's cookies to all its ports.
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
