//! The claims of an id_token, and their checks.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    provider::{authorize::Nonce, id_token::error::IdTokenError},
    telemetry::excerpt,
};

/// How far VideoAsk's clock and ours may differ.
const TOLERANCE: Duration = Duration::seconds(60);
const LONGEST_SUB: usize = 255;

const ISS_FIX: &str = "If the received value is your VideoAsk, set `ISSUER` to exactly that value and restart.";
const AUD_FIX: &str = "Check `CLIENT_ID`: this token was issued to another app.";
const TIME_FIX: &str = "Set this machine's clock right (NTP), then log in again.";
const NONCE_FIX: &str = "Log in again from the home page: this answer belongs to another login.";
const SUB_FIX: &str = "Log in again. If it comes again, tell VideoAsk's support, with this page.";

/// The user that a verified id_token names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdClaims {
    /// The issuer. It equals `ISSUER`.
    pub iss: String,
    /// The user's id at VideoAsk's authorization server. It is not the API's `user_id`.
    pub sub: String,
    /// Present with the scope `email`; never empty.
    pub email: Option<String>,
    /// Whether VideoAsk has verified that `email` is the user's. It is false without an `email`, so that the claim
    /// cannot vouch for an address from another source.
    pub email_verified: bool,
    /// Present with the scope `profile`.
    pub name: Option<String>,
}

/// The values that the claims must have.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: Option<&'a Nonce>,
    pub(super) now: OffsetDateTime,
}

type Claims = Map<String, Value>;

impl Expected<'_> {
    /// Checks the claims by the rules of OpenID Connect Core 3.1.3.7. The signature is verified before.
    pub(super) fn check(&self, claims: &Claims) -> Result<IdClaims, IdTokenError> {
        self.check_issuer(claims)?;
        self.check_audience(claims)?;
        self.check_times(claims)?;
        self.check_nonce(claims)?;
        let text = |name| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let email = text("email").filter(|email| !email.is_empty());
        // OpenID Connect Core 5.1 requires a JSON boolean. A provider that sends "true" or 1 does not follow the
        // standard, so its meaning is unknown.
        let verified = claims.get("email_verified") == Some(&Value::Bool(true));
        Ok(IdClaims {
            iss: self.issuer.to_owned(),
            sub: subject(claims)?,
            email_verified: verified && email.is_some(),
            email,
            name: text("name"),
        })
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), IdTokenError> {
        let iss = claims.get("iss");
        if iss.and_then(Value::as_str) == Some(self.issuer) {
            return Ok(());
        }
        Err(wrong("iss", self.issuer, quote(iss), ISS_FIX))
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), IdTokenError> {
        let aud = claims.get("aud");
        let audiences = match aud {
            Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
            one => one.map(|one| vec![one.as_str()]).unwrap_or_default(),
        };
        // An element that is not a string makes the whole list invalid.
        if !audiences.contains(&Some(self.client_id)) || audiences.contains(&None) {
            return Err(wrong("aud", self.client_id, quote(aud), AUD_FIX));
        }
        match claims.get("azp") {
            None if audiences.len() == 1 => Ok(()),
            Some(Value::String(azp)) if azp == self.client_id => Ok(()),
            azp => Err(wrong("azp", self.client_id, quote(azp), AUD_FIX)),
        }
    }

    fn check_times(&self, claims: &Claims) -> Result<(), IdTokenError> {
        let (earliest, latest) = (self.now - TOLERANCE, self.now + TOLERANCE);
        if moment(claims, "exp")?.is_none_or(|exp| exp <= earliest) {
            return Err(wrong_time("exp", "after", earliest, claims));
        }
        if moment(claims, "iat")?.is_none_or(|iat| iat > latest) {
            return Err(wrong_time("iat", "not after", latest, claims));
        }
        if moment(claims, "nbf")?.is_some_and(|nbf| nbf > latest) {
            return Err(wrong_time("nbf", "not after", latest, claims));
        }
        Ok(())
    }

    fn check_nonce(&self, claims: &Claims) -> Result<(), IdTokenError> {
        let received = match (self.nonce, claims.get("nonce")) {
            (None, None) => return Ok(()),
            (Some(nonce), Some(Value::String(received))) if nonce.matches(received) => return Ok(()),
            (_, None) => "none",
            (_, Some(_)) => "another value",
        };
        let expected = if self.nonce.is_some() { "the value of this login" } else { "none" };
        Err(wrong("nonce", expected, received.to_owned(), NONCE_FIX))
    }
}

pub(super) fn quote(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::String(text)) => excerpt(text),
        Some(other) => excerpt(&other.to_string()),
    }
}

fn wrong(claim: &'static str, expected: &str, received: String, fix: &'static str) -> IdTokenError {
    IdTokenError::Claim { claim, expected: expected.to_owned(), received, fix }
}

fn subject(claims: &Claims) -> Result<String, IdTokenError> {
    match claims.get("sub") {
        Some(Value::String(sub)) if !sub.is_empty() && sub.len() <= LONGEST_SUB => Ok(sub.clone()),
        sub => Err(wrong("sub", "1 to 255 characters", quote(sub), SUB_FIX)),
    }
}

/// A NumericDate (RFC 7519, section 2), which may have a fraction.
fn moment(claims: &Claims, claim: &'static str) -> Result<Option<OffsetDateTime>, IdTokenError> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let seconds = value.as_f64().map(Duration::checked_seconds_f64);
    seconds
        .flatten()
        .and_then(|since| OffsetDateTime::UNIX_EPOCH.checked_add(since))
        .map(Some)
        .ok_or_else(|| wrong(claim, "a time in seconds", quote(Some(value)), SUB_FIX))
}

fn wrong_time(claim: &'static str, relation: &str, limit: OffsetDateTime, claims: &Claims) -> IdTokenError {
    let shown = |moment: OffsetDateTime| {
        let seconds = moment.replace_nanosecond(0).unwrap_or(moment);
        seconds.format(&Rfc3339).unwrap_or_else(|_| seconds.to_string())
    };
    let received = moment(claims, claim).ok().flatten().map_or_else(|| quote(claims.get(claim)), shown);
    wrong(claim, &format!("{relation} {}", shown(limit)), received, TIME_FIX)
}
