//! Verifies an id_token by OpenID Connect Core 3.1.3.7: key and signature here, claims in `claims`.
//!
//! The key never comes from the token: RS256 is verified with the provider's key set, HS256 with the client secret. So
//! `jku`, `jwk` and `x5u` are ignored, and no public key can be used as a secret.

mod claims;
mod error;
mod jwks;
mod jws;

use ring::hmac;
use serde_json::{Map, Value};

pub use self::{claims::IdClaims, error::IdTokenError, jwks::JwksError};
use crate::{
    clock::Clock,
    config::ProviderConfig,
    provider::{
        authorize::Nonce,
        id_token::{
            claims::Expected,
            jwks::{Jwks, Picked, RsaKey},
            jws::{Algorithm, Jws},
        },
        token::IdToken,
    },
    telemetry::{Metrics, excerpt},
};

const SIGNATURE_FIX: &str = "Check that VIDEOASK_AUTH_URL and CLIENT_SECRET belong to this client, then log in again.";
const KID_FIX: &str = "Wait a minute and log in again; check that VIDEOASK_AUTH_URL is where the login took place.";

/// Verifies id_tokens for one client.
#[derive(Debug)]
pub(super) struct Verifier {
    jwks: Jwks,
    secret: hmac::Key,
    issuer: String,
    client_id: String,
    clock: Clock,
}

impl Verifier {
    pub(super) fn new(config: &ProviderConfig, client: reqwest::Client, clock: Clock, metrics: Metrics) -> Self {
        Self {
            jwks: Jwks::new(&config.auth_url, client, clock.clone(), metrics),
            secret: hmac::Key::new(hmac::HMAC_SHA256, config.client_secret.secret().as_bytes()),
            issuer: config.issuer.clone(),
            client_id: config.client_id.clone(),
            clock,
        }
    }

    pub(super) async fn verify(&self, token: &IdToken, nonce: Option<&Nonce>) -> Result<IdClaims, IdTokenError> {
        let jws = Jws::decode(token.secret())?;
        let (is_signed, signer) = match jws.algorithm {
            Algorithm::Rs256 => (jws.is_signed_by_rsa(&self.key(jws.key_id.as_deref()).await?), "VideoAsk's key"),
            Algorithm::Hs256 => (jws.is_signed_by_hmac(&self.secret), "the client secret"),
        };
        if !is_signed {
            let (expected, received) = (format!("one made with {signer}"), "another".to_owned());
            return Err(IdTokenError::Claim { claim: "signature", expected, received, fix: SIGNATURE_FIX });
        }
        let claims: Map<String, Value> = serde_json::from_slice(&jws.payload).map_err(|_| IdTokenError::Malformed)?;
        let expected = Expected { issuer: &self.issuer, client_id: &self.client_id, nonce, now: self.clock.now() };
        expected.check(&claims)
    }

    async fn key(&self, kid: Option<&str>) -> Result<RsaKey, IdTokenError> {
        let received = match self.jwks.pick(kid).await.map_err(IdTokenError::Keys)? {
            Picked::Key(key) => return Ok(key),
            Picked::Unknown => kid.map_or_else(|| "none, and no key fits".to_owned(), excerpt),
            Picked::Ambiguous => "none, and several keys fit".to_owned(),
        };
        let expected = format!("a key of {}", self.jwks.url());
        Err(IdTokenError::Claim { claim: "kid", expected, received, fix: KID_FIX })
    }
}
