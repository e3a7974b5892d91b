//! What cannot be a refresh token, although it is on stdin in its place: it is refused before anything is sent.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth2::RefreshToken;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotARefreshToken {
    #[error(
        "this is an access token (a JWT that expires), not a refresh token. Nothing was sent. Give the value that came \
         as `refresh_token`, or VIDEOASK_REFRESH_TOKEN"
    )]
    AccessToken,
    #[error(
        "this is an assignment ({name}=...), not a refresh token. Nothing was sent. Give only what follows the `=`"
    )]
    Assignment {
        /// What stands before the `=`; it has the form of a variable's name.
        name: String,
    },
}

/// The refresh token that a text of visible ASCII is, unless it is certainly something else.
pub(super) fn checked(text: String) -> Result<RefreshToken, NotARefreshToken> {
    let text = Zeroizing::new(text);
    if let Some(name) = assigned_name(&text) {
        return Err(NotARefreshToken::Assignment { name: name.to_owned() });
    }
    if expires(&text) {
        return Err(NotARefreshToken::AccessToken);
    }
    Ok(RefreshToken::new(text.to_string()))
}

/// The name in `NAME=value`. An `=` at the end is Base64's padding instead.
fn assigned_name(text: &str) -> Option<&str> {
    let (name, value) = text.split_once('=')?;
    let first_fits = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let rest_fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_short = name.len() <= 64;
    (first_fits && rest_fits && is_short && !value.trim_start_matches('=').is_empty()).then_some(name)
}

/// Whether it is a JWT with an `exp`, as access tokens and id_tokens are.
fn expires(text: &str) -> bool {
    let [_header, payload, _signature] = text.split('.').collect::<Vec<_>>()[..] else { return false };
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(payload).ok().map(Zeroizing::new);
    let claims: Option<Map<String, Value>> = decoded.and_then(|decoded| serde_json::from_slice(&decoded).ok());
    claims.is_some_and(|claims| claims.contains_key("exp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2lnbmF0dXJl", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn an_access_token_and_an_assignment_are_named_for_what_they_are() {
        let refused = |text: &str| checked(text.to_owned()).expect_err("it is no refresh token");
        assert_eq!(refused(&jwt(r#"{"sub":"auth0|ada","exp":1800000000}"#)), NotARefreshToken::AccessToken);
        for name in ["REFRESH_TOKEN", "_x", "videoask_Token1"] {
            assert_eq!(refused(&format!("{name}=v1.MRjd")), NotARefreshToken::Assignment { name: name.to_owned() });
        }
    }

    #[test]
    fn whatever_may_be_a_refresh_token_is_one() {
        for token in ["v1.MRjdx-y~+/=", "abc=", "abcd==", "v1.a=b", "a.b.c", "a.e30.c.d.e", "1x=y", "=x", &jwt("{}")] {
            assert_eq!(checked(token.to_owned()).expect("it may be one").secret(), token);
        }
    }
}
