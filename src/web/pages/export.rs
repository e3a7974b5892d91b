//! `GET /tokens/export/{format}`: the tokens as a file.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderValue, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    times::rfc3339,
    vault::{Identity, TokenSet},
    web::{
        middleware::same_origin,
        pages::{
            error::{PageError, RequestError},
            token_owner::TokenOwner,
        },
        state::AppState,
        visitor::LoggedIn,
    },
};

pub(crate) fn router() -> Router<Arc<AppState>> {
    let export = get(export).layer(middleware::from_fn(same_origin::not_cross_site));
    Router::new().route("/tokens/export/{format}", export)
}

/// The fields of a response of `/api/token`, and the refresh token.
#[derive(Serialize)]
pub(crate) struct Export<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_at: String,
    expires_in: i64,
    scope: Option<&'a str>,
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

async fn export(
    State(app): State<Arc<AppState>>,
    login: LoggedIn,
    Path(format): Path<String>,
) -> Result<Response, PageError> {
    let (_, shown) = login.connection(&app).await?;
    let contents = &shown.record().body;
    let mut export = Export::new(&contents.tokens, &contents.identity, app.clock.now());
    if TokenOwner::of(&app.mode) == TokenOwner::App {
        // This app refreshes with this token. A copy in another program that refreshes would make the two log each
        // other out.
        export.refresh_token = None;
    }
    match format.as_str() {
        "env" => Ok(attachment("videoask.env", export.env().into_response())),
        "json" => Ok(attachment("videoask.json", Json(export).into_response())),
        _ => Err(PageError::Request(RequestError::NotFound)),
    }
}

impl<'a> Export<'a> {
    pub(crate) fn new(tokens: &'a TokenSet, identity: &'a Identity, now: OffsetDateTime) -> Self {
        Self {
            access_token: tokens.access_token.secret(),
            token_type: "Bearer",
            expires_at: rfc3339(tokens.expires_at),
            expires_in: (tokens.expires_at - now).whole_seconds().max(0),
            scope: tokens.scope.as_deref(),
            user: identity.label(),
            refresh_token: tokens.refresh_token.as_ref().map(|token| token.secret().as_str()),
        }
    }

    /// One JSON object.
    ///
    /// # Panics
    /// Never: it has only string keys, which JSON can always write.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("it has only string keys, so JSON can write it")
    }

    /// Lines for `.env`.
    pub(crate) fn env(&self) -> String {
        let lines = [
            ("VIDEOASK_ACCESS_TOKEN", Some(self.access_token)),
            ("VIDEOASK_REFRESH_TOKEN", self.refresh_token),
            ("VIDEOASK_EXPIRES_AT", Some(&self.expires_at)),
        ];
        let lines = lines.into_iter().filter_map(|(name, value)| Some(format!("{name}={}\n", quoted(value?))));
        lines.collect()
    }
}

/// Writes a value so that shells and dotenv libraries read it alike: bare if it has no special character, in single
/// quotes otherwise. If it contains a single quote, only shells read it.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:+/=".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{}'", value.replace('\'', r"'\''")) }
}

fn attachment(name: &'static str, mut response: Response) -> Response {
    let value = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).ok();
    response.headers_mut().extend(value.map(|value| (header::CONTENT_DISPOSITION, value)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exported_value_is_quoted_only_where_it_must_be() {
        assert_eq!(quoted("eyJ.a-b_c"), "eyJ.a-b_c");
        assert_eq!(quoted("a b$c"), "'a b$c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
