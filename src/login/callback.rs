//! What VideoAsk sends back, and the checks before its code is exchanged.

use axum::{extract::Query, http::Uri};
use oauth2::{AuthorizationCode, CsrfToken};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::{
    login::{Logins, error::LoginError, pending::PendingLogin, used_states::FirstUse},
    telemetry::excerpt,
};

/// The query of the callback: `code` or `error` (RFC 6749, 4.1.2), `state`, and maybe `iss` (RFC 9207).
#[derive(Debug, Deserialize)]
pub(crate) struct Callback {
    /// Which login this is.
    pub(crate) state: CsrfToken,
    code: Option<AuthorizationCode>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Callback {
    /// Reads the query of a callback URL.
    pub(crate) fn from_query(query: &str) -> Option<Self> {
        let uri: Uri = format!("/?{query}").parse().ok()?;
        Query::try_from_uri(&uri).ok().map(|Query(callback)| callback)
    }

    /// Whether it has what VideoAsk always sends.
    pub(crate) fn is_complete(&self) -> bool {
        self.code.as_ref().is_some_and(|code| !code.secret().is_empty())
            || self.error.as_ref().is_some_and(|error| !error.is_empty())
    }
}

impl Logins {
    /// The checks before the exchange. They mark the state as used.
    pub(crate) fn accept(&self, login: &PendingLogin, callback: Callback) -> Result<AuthorizationCode, LoginError> {
        let Callback { state, code, iss, error, error_description } = callback;
        if login.expired(self.clock.now()) {
            return Err(LoginError::Expired);
        }
        if !bool::from(login.state.secret().as_bytes().ct_eq(state.secret().as_bytes())) {
            return Err(LoginError::StateMismatch);
        }
        if self.used_states.mark(&state, self.clock.monotonic()) == FirstUse::No {
            return Err(LoginError::Replayed);
        }
        if let Some(received) = iss.filter(|iss| *iss != self.issuer) {
            return Err(LoginError::WrongIssuer { expected: self.issuer.clone(), received: excerpt(&received) });
        }
        let description = excerpt(&error_description.unwrap_or_default());
        // A parameter without a value counts as omitted (RFC 6749, 3.1).
        match error.filter(|error| !error.is_empty()) {
            Some(code) if code == "access_denied" => Err(LoginError::Denied { description }),
            Some(code) => Err(LoginError::Refused { code: excerpt(&code), description }),
            None => code.filter(|code| !code.secret().is_empty()).ok_or(LoginError::NoCode),
        }
    }
}
