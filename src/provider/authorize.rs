use std::fmt;

use oauth2::{CsrfToken, PkceCodeVerifier};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// The parameters of an authorization request that differ from login to login.
#[derive(Debug)]
pub struct AuthorizeParams<'a> {
    /// VideoAsk returns it in the callback.
    pub state: &'a CsrfToken,
    /// VideoAsk returns it in the id_token. It is sent only with the scope `openid`.
    pub nonce: &'a Nonce,
    /// The S256 challenge is derived from it. It is used only with PKCE on.
    pub verifier: &'a PkceCodeVerifier,
    /// Whether VideoAsk must show a login, or must not. `None`: VideoAsk decides.
    pub prompt: Option<Prompt>,
}

/// The parameter `prompt` of OpenID Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Ask for a login even if there is a session, so that another user can log in.
    Login,
    /// Show nothing: redirect immediately, with a code or an error.
    None,
}

impl Prompt {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::None => "none",
        }
    }
}

/// Ties an id_token to one login. `Debug` redacts it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    /// Wraps an unguessable value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the authorize URL and the sealed cookie.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Compares in constant time.
    pub(super) fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce([redacted])")
    }
}
