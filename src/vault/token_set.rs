//! What one exchange gave: access token, refresh token (maybe none), scope and expiry.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::{AccessToken, RefreshToken};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// The life assumed of an access token that neither the reply nor the token itself dates.
const UNDATED_LIFE: Duration = Duration::from_secs(5 * 60);

/// The tokens of one exchange. The oauth2 types redact themselves in `Debug`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenSet {
    /// Opens the API.
    pub access_token: AccessToken,
    /// Gets the next set; only with the scope `offline_access`.
    pub refresh_token: Option<RefreshToken>,
    /// What was granted, where the provider says it.
    pub scope: Option<String>,
    /// When this set was given.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub issued_at: OffsetDateTime,
    /// When the access token ends.
    #[serde(with = "time::serde::timestamp::milliseconds")]
    pub expires_at: OffsetDateTime,
}

impl TokenSet {
    /// Dates a set: by `expires_in`, else by the `exp` of a JWT, else a short life is assumed.
    #[must_use]
    pub fn dated(
        access_token: AccessToken,
        refresh_token: Option<RefreshToken>,
        scope: Option<String>,
        expires_in: Option<Duration>,
        now: OffsetDateTime,
    ) -> Self {
        let expires_at = expires_in
            // A life of nothing dates nothing, and would ask for a refresh a call.
            .filter(|life| !life.is_zero())
            .and_then(|life| time::Duration::try_from(life).ok())
            .and_then(|life| now.checked_add(life))
            .or_else(|| jwt_expiry(&access_token))
            .unwrap_or(now + UNDATED_LIFE);
        Self { access_token, refresh_token, scope, issued_at: now, expires_at }
    }

    /// How long the access token lives in all.
    #[must_use]
    pub fn life(&self) -> Duration {
        (self.expires_at - self.issued_at).try_into().unwrap_or_default()
    }

    /// How long it still lives at `now`.
    #[must_use]
    pub fn left(&self, now: OffsetDateTime) -> Duration {
        (self.expires_at - now).try_into().unwrap_or_default()
    }

    /// The claims of an access token that is a JWT, unverified: for show, never for a decision.
    #[must_use]
    pub fn claims(&self) -> Option<Map<String, Value>> {
        claims(&self.access_token)
    }
}

fn claims(token: &AccessToken) -> Option<Map<String, Value>> {
    let mut parts = token.secret().split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

fn jwt_expiry(token: &AccessToken) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(claims(token)?.get("exp")?.as_i64()?).ok()
}
