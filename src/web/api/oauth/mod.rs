//! `POST /oauth/token`: the same tokens, for client libraries and tools that know the client credentials grant (RFC
//! 6749, 4.4). The client id is a user, and the client secret an API key.

mod error;
mod metadata;
mod request;

use std::{pin::pin, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    handler::Handler,
    http::header,
    response::{IntoResponse, Response},
    routing::post,
};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::value::RawValue;
use tower_http::timeout::RequestBodyTimeoutLayer;

use self::{error::TokenError, request::TokenRequest};
use crate::{
    api_key::{Access, AuthenticationError, Caller},
    telemetry::Route,
    vault::{HandedOut, MinLife},
    web::{
        api::{
            caller_timeout::with_caller_timeout,
            counting,
            problem::Problem,
            token::{BODY_LIMIT, BODY_TIMEOUT, json},
            user::find_connection,
        },
        middleware::trace::LogFields,
        state::AppState,
    },
};

pub(super) fn router() -> Router<Arc<AppState>> {
    let limits = (RequestBodyTimeoutLayer::new(BODY_TIMEOUT), DefaultBodyLimit::max(BODY_LIMIT));
    Router::new().route("/oauth/token", post(token.layer(limits))).merge(metadata::router())
}

/// A successful response (RFC 6749, 5.1).
#[derive(Serialize)]
struct TokenResponse<'a> {
    access_token: &'a RawValue,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

async fn token(State(app): State<Arc<AppState>>, log_fields: LogFields, request: Request) -> Response {
    let response = match authenticate(&app, request).await {
        Ok((caller, user)) => {
            log_fields.set_caller(&caller);
            let issued = issue(&app, &caller, user.as_deref()).await;
            counting::hand_out(&app.metrics, Route::OauthToken, &issued);
            match issued {
                Ok(token) => answer(&token),
                Err(problem) => TokenError::from(problem).into_response(&app),
            }
        }
        Err(error) => {
            app.metrics.handed_out(Route::OauthToken, Err(error.r#type()));
            error.into_response(&app)
        }
    };
    // RFC 6749, 5.1 asks for it beside `Cache-Control`.
    ([(header::PRAGMA, "no-cache")], response).into_response()
}

/// The holder of the key in a valid request, and the user that it names.
async fn authenticate(app: &AppState, request: Request) -> Result<(Arc<Caller>, Option<String>), TokenError> {
    let TokenRequest { user, secrets } = TokenRequest::receive(request).await?;
    let mut error = AuthenticationError::Unknown;
    for secret in secrets {
        match app.api_keys.authenticate(secret.expose_secret().as_bytes()).await {
            Ok(caller) => return Ok((caller, user)),
            Err(AuthenticationError::Unknown) => {}
            Err(other) => error = other,
        }
    }
    Err(Problem::from(error).into())
}

async fn issue(app: &AppState, caller: &Caller, user: Option<&str>) -> Result<HandedOut, Problem> {
    let token = pin!(async {
        let key = find_connection(app, caller, Access::Token, user).await?;
        Ok(app.vault.hand_out(&key, MinLife::BestEffort).await?)
    });
    with_caller_timeout(&app.clock, token).await
}

fn answer(token: &HandedOut) -> Response {
    let response = TokenResponse {
        access_token: token.access_token_json(),
        token_type: "Bearer",
        expires_in: token.expires_in(),
        scope: token.scope(),
    };
    json(&response, token)
}
