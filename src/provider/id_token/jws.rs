//! A compact JWS (RFC 7515, 7.1) with one of the two algorithms of id_tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{hmac, signature::RSA_PKCS1_2048_8192_SHA256};
use serde_json::{Map, Value};

use crate::{
    provider::id_token::{claims, error::IdTokenError, jwks::RsaKey},
    telemetry::excerpt,
};

const ODD_FIX: &str = "Log in again. If it comes again, tell VideoAsk's support, with this page.";
const ALG_FIX: &str = "Set the client's id_token signature to RS256 (or HS256) at VideoAsk.";

/// The algorithms that are accepted (RFC 7518, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Hs256,
}

/// A decoded JWS, not verified.
pub(super) struct Jws<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) payload: Vec<u8>,
    /// What was signed: header and payload as they are encoded.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    pub(super) fn decode(compact: &'a str) -> Result<Self, IdTokenError> {
        let (signed, signature) = compact.rsplit_once('.').ok_or(IdTokenError::Malformed)?;
        // A payload with a further dot is not base64url.
        let (header, payload) = signed.split_once('.').ok_or(IdTokenError::Malformed)?;
        let header: Map<String, Value> =
            serde_json::from_slice(&decoded(header)?).map_err(|_| IdTokenError::Malformed)?;
        if let Some(crit) = header.get("crit") {
            // `crit` lists extensions that the verifier must understand. This one supports none.
            let received = excerpt(&crit.to_string());
            return Err(IdTokenError::Claim { claim: "crit", expected: "none".to_owned(), received, fix: ODD_FIX });
        }
        Ok(Self {
            algorithm: Algorithm::of(header.get("alg"))?,
            key_id: header.get("kid").and_then(Value::as_str).map(str::to_owned),
            payload: decoded(payload)?,
            signed,
            signature: decoded(signature)?,
        })
    }

    pub(super) fn is_signed_by_rsa(&self, key: &RsaKey) -> bool {
        key.verify(&RSA_PKCS1_2048_8192_SHA256, self.signed.as_bytes(), &self.signature).is_ok()
    }

    pub(super) fn is_signed_by_hmac(&self, key: &hmac::Key) -> bool {
        hmac::verify(key, self.signed.as_bytes(), &self.signature).is_ok()
    }
}

impl Algorithm {
    fn of(alg: Option<&Value>) -> Result<Self, IdTokenError> {
        match alg.and_then(Value::as_str) {
            Some("RS256") => Ok(Self::Rs256),
            Some("HS256") => Ok(Self::Hs256),
            _ => {
                let expected = "RS256 or HS256".to_owned();
                Err(IdTokenError::Claim { claim: "alg", expected, received: claims::quote(alg), fix: ALG_FIX })
            }
        }
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, IdTokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| IdTokenError::Malformed)
}
