//! `POST /oauth/token`, with Auth0's error bodies and statuses.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;

use super::{
    StandIn, fault_layer,
    faults::{Deviation, Endpoint},
    grants::{CodeExchange, Grant},
    params::{Params, Unreadable},
    refresh_tokens::Refreshed,
};

pub(super) fn routes(standin: &StandIn) -> Router<StandIn> {
    Router::new().route("/oauth/token", fault_layer::with_faults(standin, Endpoint::Token, post(token)))
}

/// An error of the OAuth endpoints.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) error: &'static str,
    pub(super) description: String,
}

async fn token(State(standin): State<StandIn>, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    let params = body_params(&headers, &body)?;
    let grant_type = require(&params, "grant_type")?;
    if !matches!(grant_type, "authorization_code" | "refresh_token") {
        let description = format!("Unsupported grant type: {grant_type}");
        return Err(Refused { status: StatusCode::FORBIDDEN, error: "unsupported_grant_type", description });
    }
    standin.authenticate(&params)?;
    let grant = match grant_type {
        "authorization_code" => standin.exchange_code(&params)?,
        _ => standin.exchange_refresh_token(&params)?,
    };
    let no_store = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    Ok((no_store, Json(standin.token_response(&grant))).into_response())
}

impl StandIn {
    /// The app authenticates by `client_secret_post` only.
    pub(super) fn authenticate(&self, params: &Params) -> Result<(), Refused> {
        let id = require(params, "client_id")?;
        let options = self.options();
        if id == options.client_id && params.get("client_secret") == Some(&options.client_secret) {
            return Ok(());
        }
        let error = if self.has(Deviation::WrongSecretIsAccessDenied) { "access_denied" } else { "invalid_client" };
        Err(Refused { status: StatusCode::UNAUTHORIZED, error, description: "Unauthorized".into() })
    }

    fn exchange_code(&self, params: &Params) -> Result<Grant, Refused> {
        let code = require(params, "code")?;
        let redirect_uri = require(params, "redirect_uri")?;
        let now = self.now();
        self.locked(|state| {
            let verifier = params.get("code_verifier");
            let answer = state.grants.exchange_code(now, self.options(), code, redirect_uri, verifier);
            match answer {
                CodeExchange::Granted(grant) => {
                    state.counters.code_exchanges += 1;
                    Ok(grant)
                }
                CodeExchange::Unknown => Err(invalid_grant("Invalid authorization code")),
                CodeExchange::WrongRedirect => Err(invalid_grant("The redirect URI is wrong.")),
                CodeExchange::WrongVerifier => Err(invalid_grant("Failed to verify code verifier")),
            }
        })
    }

    fn exchange_refresh_token(&self, params: &Params) -> Result<Grant, Refused> {
        let token = require(params, "refresh_token")?;
        let now = self.now();
        self.locked(|state| {
            let answer = state.grants.refresh_tokens.refresh(now, self.options(), token);
            let counters = &mut state.counters;
            counters.spent_tokens_seen += u64::from(matches!(answer, Refreshed::WithinLeeway(_) | Refreshed::Reused));
            match answer {
                Refreshed::Granted(grant) | Refreshed::WithinLeeway(grant) => {
                    counters.refresh_exchanges += 1;
                    Ok(grant)
                }
                Refreshed::Reused | Refreshed::Unknown => {
                    counters.refresh_refusals += 1;
                    Err(invalid_grant("Unknown or invalid refresh token."))
                }
            }
        })
    }
}

/// The parameters of a form or, as Auth0 accepts too, of a JSON object.
pub(super) fn body_params(headers: &HeaderMap, body: &[u8]) -> Result<Params, Refused> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let params = match content_type.split(';').next().unwrap_or_default().trim() {
        "application/x-www-form-urlencoded" => Params::from_urlencoded(body),
        "application/json" => Params::from_json(body),
        _ => Err(Unreadable::Malformed),
    };
    params.map_err(|unreadable| match unreadable {
        Unreadable::Repeated(name) => invalid_request(format!("Parameter given twice: {name}")),
        Unreadable::Malformed => invalid_request("The body is neither a form nor a JSON object of strings.".into()),
    })
}

pub(super) fn require<'a>(params: &'a Params, name: &str) -> Result<&'a str, Refused> {
    params.get(name).ok_or_else(|| invalid_request(format!("Missing required parameter: {name}")))
}

fn invalid_request(description: String) -> Refused {
    Refused { status: StatusCode::BAD_REQUEST, error: "invalid_request", description }
}

fn invalid_grant(description: &str) -> Refused {
    Refused { status: StatusCode::FORBIDDEN, error: "invalid_grant", description: description.into() }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        (self.status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}
