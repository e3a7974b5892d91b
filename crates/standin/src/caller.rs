//! The user of an API request, by its access token, and the API's errors.

use axum::{
    Json,
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{StandIn, faults::Deviation, jwt, users::User};

/// The user whose valid access token the request contains.
pub(super) struct Caller(pub(super) User);

/// An error response of the API: a status and a `detail`.
pub(super) struct ApiError(pub(super) StatusCode, pub(super) String);

enum Unauthorized {
    NoToken,
    Undecodable,
    Expired,
}

impl FromRequestParts<StandIn> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, standin: &StandIn) -> Result<Self, ApiError> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        let user = token.ok_or(Unauthorized::NoToken).and_then(|token| standin.user_of(token));
        user.map(Self).map_err(ApiError::from)
    }
}

impl StandIn {
    fn user_of(&self, token: &str) -> Result<User, Unauthorized> {
        let (opaque, refused) = self.locked(|state| {
            let tokens = &state.grants.access_tokens;
            let all_refused = state.faults.deviations.contains(&Deviation::RefuseAccessTokens);
            (tokens.opaque.get(token).cloned(), all_refused || tokens.refused.contains(token))
        });
        let (user, expires) = match opaque {
            Some(known) => known,
            None => self.user_of_jwt(token).ok_or(Unauthorized::Undecodable)?,
        };
        if refused || self.now() >= expires {
            return Err(Unauthorized::Expired);
        }
        Ok(user)
    }

    fn user_of_jwt(&self, token: &str) -> Option<(User, OffsetDateTime)> {
        let claims = jwt::claims(self.keys(), token)?;
        if claims["iss"] != self.issuer().as_str() || !names(&claims["aud"], &self.options().audience) {
            return None;
        }
        let expires = OffsetDateTime::from_unix_timestamp(claims["exp"].as_i64()?).ok()?;
        Some((User::by_sub(claims["sub"].as_str()?)?, expires))
    }
}

/// Whether an `aud`, which is one string or several, names this audience.
fn names(aud: &Value, audience: &str) -> bool {
    aud == audience || aud.as_array().is_some_and(|several| several.iter().any(|one| one == audience))
}

impl From<Unauthorized> for ApiError {
    fn from(why: Unauthorized) -> Self {
        let detail = match why {
            Unauthorized::NoToken => "Authentication credentials were not provided.",
            Unauthorized::Undecodable => "Error decoding token.",
            Unauthorized::Expired => "Token has expired.",
        };
        Self(StatusCode::UNAUTHORIZED, detail.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"detail": self.1}))).into_response()
    }
}
