//! The tokens in a response of the token endpoint.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::{AccessToken, RefreshToken};
use serde_json::{Map, Value};

/// A token set as the token endpoint returned it.
///
/// The response is read leniently. With rotation, the refresh token of the request is already spent, so an invalid
/// optional field must not lose the access token or the new refresh token.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// It has only characters that fit into an `Authorization` header.
    pub access_token: AccessToken,
    /// Present only with the scope `offline_access`; after a refresh, only if VideoAsk rotates refresh tokens.
    pub refresh_token: Option<RefreshToken>,
    /// Present only with the scope `openid`, and not for every kind of client.
    pub id_token: Option<IdToken>,
    /// The scopes that were granted; missing if they are those that were requested.
    pub scope: Option<String>,
    /// How long the access token works, counted from when VideoAsk issued it.
    pub expires_in: Option<Duration>,
}

/// The tokens of a response with a refresh token but without a usable access token. The refresh token that was sent is
/// spent, so this one must not be lost.
#[derive(Clone, Debug)]
pub struct PartialTokens {
    /// Replaces the refresh token that was sent.
    pub refresh_token: RefreshToken,
    /// Says whose tokens they are, if the response has one.
    pub id_token: Option<IdToken>,
}

/// An id_token, unverified. `Debug` does not show it.
#[derive(Clone)]
pub struct IdToken(String);

impl IdToken {
    /// Wraps a compact JWS.
    #[must_use]
    pub fn new(compact: String) -> Self {
        Self(compact)
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }

    /// The user that it names, without any verification. Use it only to notice that a refresh names another user than
    /// the login did. `None` if it cannot be decoded.
    pub(crate) fn unverified_subject(&self) -> Option<Subject> {
        let [_header, payload, _signature] = self.0.split('.').collect::<Vec<_>>().try_into().ok()?;
        let claims: Map<String, Value> = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let text = |name| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Subject { iss: text("iss"), sub: text("sub") })
    }
}

/// The user that an id_token names. A `sub` is unique only together with its issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) iss: Option<String>,
    /// The user's id at this issuer.
    pub(crate) sub: Option<String>,
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdToken([redacted])")
    }
}

impl TokenResponse {
    /// The token set in a JSON object, if it has a usable access token.
    pub(super) fn read(json: &Map<String, Value>) -> Option<Self> {
        if !is_bearer(json) {
            return None;
        }
        let text = |name| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self {
            access_token: AccessToken::new(text("access_token").filter(|token| fits_a_header(token))?),
            refresh_token: text("refresh_token").map(RefreshToken::new),
            id_token: text("id_token").map(IdToken),
            scope: text("scope"),
            expires_in: json.get("expires_in").and_then(seconds),
        })
    }
}

impl PartialTokens {
    /// The refresh token and id_token in a JSON object, if it has a refresh token.
    pub(super) fn read(json: &Map<String, Value>) -> Option<Self> {
        let text = |name| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self { refresh_token: RefreshToken::new(text("refresh_token")?), id_token: text("id_token").map(IdToken) })
    }
}

/// Whether the token may be sent as a bearer token. RFC 6749, 7.1 forbids using a token whose type the client does not
/// understand. 5.1 requires `token_type`, but a response without it is accepted: VideoAsk's API takes only bearer
/// tokens, and rejecting the response after the refresh token was spent would lose the login.
pub(super) fn is_bearer(json: &Map<String, Value>) -> bool {
    match json.get("token_type") {
        None | Some(Value::Null) => true,
        Some(Value::String(kind)) => kind.eq_ignore_ascii_case("Bearer"),
        Some(_) => false,
    }
}

/// RFC 6750 allows no space, control character or non-ASCII character in a token.
fn fits_a_header(token: &str) -> bool {
    token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Reads seconds from a number, or from a string, which some servers send.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<TokenResponse> {
        TokenResponse::read(&serde_json::from_str(json).expect("an object"))
    }

    #[test]
    fn nothing_odd_beside_a_usable_token_costs_the_token() {
        let odd =
            r#"{"access_token":"a","refresh_token":"r","token_type":null,"expires_in":[],"scope":{},"id_token":null}"#;
        let reply = read(odd).expect("a usable token");
        assert_eq!(reply.access_token.secret(), "a");
        assert_eq!(reply.refresh_token.expect("rotated").secret(), "r");
        assert!(reply.expires_in.is_none() && reply.scope.is_none() && reply.id_token.is_none());
    }

    #[test]
    fn a_lifetime_may_be_a_number_or_a_string() {
        let lifetime = |value: &str| {
            read(&format!(r#"{{"access_token":"a","expires_in":{value}}}"#)).expect("a usable token").expires_in
        };
        for hour in ["3600", "3600.0", "\"3600\"", "\" 3600 \""] {
            assert_eq!(lifetime(hour), Some(Duration::from_secs(3600)), "{hour}");
        }
        for nonsense in ["-1", "\"soon\"", "1e300", "\"NaN\"", "true"] {
            assert_eq!(lifetime(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_token_of_another_type_than_bearer_is_not_used() {
        let is_used = |kind: &str| read(&format!(r#"{{"access_token":"a"{kind}}}"#)).is_some();
        for bearer in ["", r#","token_type":"Bearer""#, r#","token_type":"bearer""#, r#","token_type":null"#] {
            assert!(is_used(bearer), "{bearer}");
        }
        for other in ["\"mac\"", "\"DPoP\"", "\"\"", "\"Bearer \"", "7", "[\"Bearer\"]"] {
            assert!(!is_used(&format!(",\"token_type\":{other}")), "{other}");
        }
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_no_token() {
        for unusable in [r#""""#, r#""a\nb""#, r#""a b""#, r#""é""#, "7", "null"] {
            assert!(read(&format!(r#"{{"access_token":{unusable}}}"#)).is_none(), "{unusable}");
        }
    }

    #[test]
    fn the_subject_of_an_id_token_is_read_without_verification_or_not_at_all() {
        let token = |payload: &str| IdToken(format!("e30.{}.signature", BASE64_URL_SAFE_NO_PAD.encode(payload)));
        let ada = Subject { iss: Some("https://tenant.test/".to_owned()), sub: Some("auth0|ada".to_owned()) };
        assert_eq!(
            token(r#"{"iss":"https://tenant.test/","sub":"auth0|ada","exp":1}"#).unverified_subject(),
            Some(ada)
        );
        assert_eq!(token(r#"{"sub":7}"#).unverified_subject(), Some(Subject { iss: None, sub: None }));
        for odd in ["[]", "no JSON"] {
            assert_eq!(token(odd).unverified_subject(), None, "{odd}");
        }
        for odd in ["", "a.b", "a.!.c", "a.e30.c.d"] {
            assert_eq!(IdToken(odd.to_owned()).unverified_subject(), None, "{odd}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let reply = read(r#"{"access_token":"canary","refresh_token":"canary","id_token":"canary"}"#).expect("usable");
        assert!(!format!("{reply:?}").contains("canary"));
    }
}
