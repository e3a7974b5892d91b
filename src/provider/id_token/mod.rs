//! Verifies an id_token by OpenID Connect Core 3.1.3.7: key and signature here, claims in `claims`.
//!
//! The key never comes from the token: RS256 is verified with the provider's key set, HS256 with the client secret. So
//! `jku`, `jwk` and `x5u` are ignored, and no public key can be used as a secret.

mod claims;
mod error;
mod jwks;
mod ring_verifier;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, errors::ErrorKind};
use serde_json::{Map, Value};

pub use self::{claims::IdClaims, error::IdTokenError, jwks::JwksError};
use crate::{
    clock::Clock,
    config::ProviderConfig,
    provider::{
        authorize::Nonce,
        id_token::{
            claims::Expected,
            jwks::{Jwks, Picked},
        },
        token::IdToken,
    },
    telemetry::{Metrics, excerpt},
};

const ODD_FIX: &str = "Log in again. If it comes again, tell VideoAsk's support, with this page.";
const ALG_FIX: &str = "Set the client's id_token signature to RS256 (or HS256) at VideoAsk.";
const SIGNATURE_FIX: &str = "Check that VIDEOASK_AUTH_URL and CLIENT_SECRET belong to this client, then log in again.";
const KID_FIX: &str = "Wait a minute and log in again; check that VIDEOASK_AUTH_URL is where the login took place.";

/// Verifies id_tokens for one client.
#[derive(Debug)]
pub(super) struct Verifier {
    jwks: Jwks,
    secret: DecodingKey,
    issuer: String,
    client_id: String,
    clock: Clock,
}

/// The header parameters that the verification uses.
struct Header {
    alg: Algorithm,
    kid: Option<String>,
}

impl Verifier {
    pub(super) fn new(config: &ProviderConfig, client: reqwest::Client, clock: Clock, metrics: Metrics) -> Self {
        ring_verifier::install();
        Self {
            jwks: Jwks::new(&config.auth_url, client, clock.clone(), metrics),
            secret: DecodingKey::from_secret(config.client_secret.secret().as_bytes()),
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            clock,
        }
    }

    pub(super) async fn verify(&self, token: &IdToken, nonce: Option<&Nonce>) -> Result<IdClaims, IdTokenError> {
        let header = Header::of(token)?;
        let claims = match header.alg {
            Algorithm::HS256 => signed_claims(token, &self.secret, header.alg)?,
            _ => signed_claims(token, &self.key(header.kid.as_deref()).await?, header.alg)?,
        };
        let expected = Expected { issuer: &self.issuer, client_id: &self.client_id, nonce, now: self.clock.now() };
        expected.check(&claims)
    }

    async fn key(&self, kid: Option<&str>) -> Result<DecodingKey, IdTokenError> {
        let received = match self.jwks.pick(kid).await.map_err(IdTokenError::Keys)? {
            Picked::Key(key) => return Ok(key),
            Picked::Unknown => kid.map_or_else(|| "none, and no key fits".to_owned(), excerpt),
            Picked::Ambiguous => "none, and several keys fit".to_owned(),
        };
        let expected = format!("a key of {}", self.jwks.url());
        Err(IdTokenError::Claim { claim: "kid", expected, received, fix: KID_FIX })
    }
}

impl Header {
    fn of(token: &IdToken) -> Result<Self, IdTokenError> {
        let (encoded, _) = token.secret().split_once('.').ok_or(IdTokenError::Malformed)?;
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| IdTokenError::Malformed)?;
        let header: Map<String, Value> = serde_json::from_slice(&json).map_err(|_| IdTokenError::Malformed)?;
        if let Some(crit) = header.get("crit") {
            // `crit` lists extensions that the verifier must understand. This one supports none.
            let received = excerpt(&crit.to_string());
            return Err(IdTokenError::Claim { claim: "crit", expected: "none".to_owned(), received, fix: ODD_FIX });
        }
        let kid = header.get("kid").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { alg: algorithm(header.get("alg"))?, kid })
    }
}

fn algorithm(alg: Option<&Value>) -> Result<Algorithm, IdTokenError> {
    match alg.and_then(Value::as_str) {
        Some("RS256") => Ok(Algorithm::RS256),
        Some("HS256") => Ok(Algorithm::HS256),
        _ => {
            let expected = "RS256 or HS256".to_owned();
            Err(IdTokenError::Claim { claim: "alg", expected, received: claims::quote(alg), fix: ALG_FIX })
        }
    }
}

fn signed_claims(token: &IdToken, key: &DecodingKey, alg: Algorithm) -> Result<Map<String, Value>, IdTokenError> {
    decode(token.secret(), key, &signature_only(alg)).map(|token| token.claims).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => IdTokenError::Claim {
            claim: "signature",
            expected: match alg {
                Algorithm::HS256 => "one made with the client secret".to_owned(),
                _ => "one made with VideoAsk's key".to_owned(),
            },
            received: "another".to_owned(),
            fix: SIGNATURE_FIX,
        },
        _ => IdTokenError::Malformed,
    })
}

/// Turns off jsonwebtoken's checks of claims, which read the system clock. `claims` checks them by this app's clock.
fn signature_only(alg: Algorithm) -> Validation {
    let mut validation = Validation::new(alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
