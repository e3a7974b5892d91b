//! `GET /api/token`: an access token that works for long enough; `POST`: another one, after the API rejected a token.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{
        DefaultBodyLimit, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    handler::Handler,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use oauth2::AccessToken;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::{
    api_key::{Access, Caller},
    config::duration,
    telemetry::Route,
    times::rfc3339,
    vault::{HandedOut, MinLife},
    web::{
        api::{
            auth::Authenticated,
            caller_timeout::with_caller_timeout,
            counting,
            problem::Problem,
            query::NoQuery,
            user::{self, find_connection},
        },
        state::AppState,
    },
};

/// The longest request body, in bytes: longer than any token that fits into a header.
pub(super) const BODY_LIMIT: usize = 64 * 1024;
/// How long the next part of the body may take.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

const QUERY: &str = "This takes `user` (a name) and `min_ttl` (seconds such as 600, or a duration such as 10m), each at most once, and \
     no other parameter.";
const NO_QUERY: &str = "This takes no query: `user` goes into the body.";
const BODY: &str = "The body must be a JSON object (Content-Type: application/json) with `refused` (the token, a string) \
     and, if need be, `user` (a string), and nothing else.";

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Enough for those that every response gets, so that they need not move when those are added.
const HEADERS: usize = 12;
/// About how many bytes the other fields have.
const OTHER_FIELDS: usize = 256;

pub(super) fn router() -> Router<Arc<AppState>> {
    let limits = (RequestBodyTimeoutLayer::new(BODY_TIMEOUT), DefaultBodyLimit::max(BODY_LIMIT));
    Router::new().route("/api/token", get(current).post(replaced.layer(limits)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: Option<String>,
    min_ttl: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refusal {
    user: Option<String>,
    refused: AccessToken,
}

#[derive(Serialize)]
struct TokenJson<'a> {
    access_token: &'a RawValue,
    token_type: &'static str,
    expires_at: String,
    expires_in: u64,
    scope: Option<&'a str>,
    user: Option<&'a str>,
}

async fn current(
    State(app): State<Arc<AppState>>,
    Authenticated(caller): Authenticated,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let handed_out = hand_out(&app, &caller, query).await;
    counting::hand_out(&app.metrics, Route::GetToken, &handed_out);
    Ok(answer(&handed_out?))
}

async fn hand_out(
    app: &AppState,
    caller: &Caller,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<HandedOut, Problem> {
    let Query(Wanted { user, min_ttl }) = query.map_err(|_| Problem::Invalid(QUERY))?;
    let demanded = min_ttl.as_deref().map(duration::parse_or_seconds).transpose();
    let need = demanded.map_err(|_| Problem::Invalid(QUERY))?.map_or(MinLife::BestEffort, MinLife::Strict);
    let user = user.as_deref().map(user::of_form);
    let token = pin!(async {
        let key = find_connection(app, caller, Access::Token, user.as_deref()).await?;
        Ok(app.vault.hand_out(&key, need).await?)
    });
    with_caller_timeout(&app.clock, token).await
}

async fn replaced(
    State(app): State<Arc<AppState>>,
    Authenticated(caller): Authenticated,
    query: Result<Query<NoQuery>, QueryRejection>,
    body: Result<Json<Refusal>, JsonRejection>,
) -> Result<Response, Problem> {
    let handed_out = replace(&app, &caller, query, body).await;
    counting::hand_out(&app.metrics, Route::PostToken, &handed_out);
    Ok(answer(&handed_out?))
}

async fn replace(
    app: &AppState,
    caller: &Caller,
    query: Result<Query<NoQuery>, QueryRejection>,
    body: Result<Json<Refusal>, JsonRejection>,
) -> Result<HandedOut, Problem> {
    query.map_err(|_| Problem::Invalid(NO_QUERY))?;
    let Json(Refusal { user, refused }) = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge,
        _ => Problem::Invalid(BODY),
    })?;
    if refused.secret().is_empty() {
        return Err(Problem::Invalid(BODY));
    }
    let token = pin!(async {
        let key = find_connection(app, caller, Access::Token, user.as_deref()).await?;
        Ok(app.vault.replace_rejected(&key, &refused, MinLife::BestEffort).await?)
    });
    with_caller_timeout(&app.clock, token).await
}

/// The longest part of these responses is the token, so its length tells how much memory the JSON needs.
pub(super) fn json(answer: &impl Serialize, token: &HandedOut) -> Response {
    let mut body = Vec::with_capacity(token.access_token_json().get().len() + OTHER_FIELDS);
    match serde_json::to_writer(&mut body, answer) {
        Ok(()) => {
            let mut response = Response::new(Body::from(body));
            response.headers_mut().reserve(HEADERS);
            response.headers_mut().insert(header::CONTENT_TYPE, JSON);
            response
        }
        Err(_) => Problem::Internal.into_response(),
    }
}

fn answer(token: &HandedOut) -> Response {
    let answer = TokenJson {
        access_token: token.access_token_json(),
        token_type: "Bearer",
        expires_at: rfc3339(token.expires_at()),
        expires_in: token.expires_in(),
        scope: token.scope(),
        user: token.identity().label(),
    };
    json(&answer, token)
}
