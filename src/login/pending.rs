//! A started login: state, verifier, nonce and time.

use std::time::Duration;

use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::provider::Nonce;

pub(crate) const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// What the callback needs to finish a login. All of it is secret until then.
#[derive(Debug, Serialize, Deserialize)]
pub struct PendingLogin {
    /// Ties the callback to this browser.
    pub state: CsrfToken,
    /// Ties the id_token to this login.
    pub nonce: Nonce,
    /// Proves to the token endpoint who started the login (RFC 7636).
    pub verifier: PkceCodeVerifier,
    #[serde(rename = "begun_at", with = "time::serde::timestamp::milliseconds")]
    pub(crate) started_at: OffsetDateTime,
}

impl PendingLogin {
    /// A new login, its secrets fresh from the system's generator.
    #[must_use]
    pub fn start(now: OffsetDateTime) -> Self {
        let (_, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = Nonce::new(CsrfToken::new_random().into_secret());
        Self { state: CsrfToken::new_random(), nonce, verifier, started_at: now }
    }

    /// Whether the login took too long. A cookie from the future is no younger for it.
    pub(crate) fn expired(&self, now: OffsetDateTime) -> bool {
        (now - self.started_at).unsigned_abs() >= LIFETIME
    }
}
