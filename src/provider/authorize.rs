//! What one login adds to the authorize URL.

use std::fmt;

use oauth2::{CsrfToken, PkceCodeVerifier};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// The parts of an authorization request that differ from login to login.
#[derive(Debug)]
pub struct AuthorizeParams<'a> {
    /// Comes back in the callback.
    pub state: &'a CsrfToken,
    /// Comes back in the id_token; sent only with the scope `openid`.
    pub nonce: &'a Nonce,
    /// What the S256 challenge is made of; used only with PKCE on.
    pub verifier: &'a PkceCodeVerifier,
    /// Whether VideoAsk must, or must not, ask the person.
    pub prompt: Option<Prompt>,
    /// The e-mail to fill in.
    pub login_hint: Option<&'a str>,
}

/// OpenID Connect's `prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Ask for the login again, so that another user may log in.
    Login,
    /// Ask nothing: answer at once or with an error.
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

/// Ties an id_token to one login. `Debug` does not show it.
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
    pub(super) fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce([redacted])")
    }
}
