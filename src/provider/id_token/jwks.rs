//! The provider's key set. It is fetched when it is first needed, cached, and fetched again for an unknown key id or
//! after an hour.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse, RSAKeyParameters},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::{
    clock::Clock,
    http::{BODY_LIMIT, ReadError, endpoint, read_body},
    telemetry::{Metrics, ProviderRequest},
};

/// The shortest time between two fetches after the first success, so that forged key ids cannot make this app flood the
/// provider.
const BETWEEN_REFETCHES: Duration = Duration::from_secs(60);
/// After this time the set is fetched again when it is next needed, so that a key that VideoAsk has withdrawn is no
/// longer accepted.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
const MOST_KEYS: usize = 64;
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Why there is no key set.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JwksError {
    /// There was no response.
    #[error("the key set could not be reached")]
    Unreachable(#[source] Arc<reqwest::Error>),
    /// The status of the response is not a success.
    #[error("the request for the key set returned status {0}")]
    Status(u16),
    /// The body was cut off or is too large.
    #[error("the key set could not be read")]
    Unreadable(#[source] Arc<ReadError>),
    /// The body is not a JWK set (RFC 7517).
    #[error("the key set is not a JWK set")]
    NotAKeySet,
}

/// The result of looking for a key id in the set.
pub(super) enum Picked {
    Key(DecodingKey),
    Unknown,
    /// The token names no key, and more than one is possible.
    Ambiguous,
}

#[derive(Debug)]
pub(super) struct Jwks {
    url: Url,
    client: reqwest::Client,
    clock: Clock,
    metrics: Metrics,
    cache: Mutex<Cache>,
    /// How many fetches have ended. It is outside the lock, so that a caller can compare the number before and after it
    /// waits for the lock.
    ended: AtomicU64,
}

/// All times are monotonic.
#[derive(Debug, Default)]
struct Cache {
    keys: Vec<Key>,
    fetched: Option<Duration>,
    refetched: Option<Duration>,
    failure: Option<JwksError>,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    key: DecodingKey,
}

impl Jwks {
    pub(super) fn new(auth_url: &Url, client: reqwest::Client, clock: Clock, metrics: Metrics) -> Self {
        let url = endpoint(auth_url, "/.well-known/jwks.json");
        Self { url, client, clock, metrics, cache: Mutex::default(), ended: AtomicU64::new(0) }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The key that verifies a token with this key id. A caller that arrives during a fetch waits for it and uses its
    /// result.
    pub(super) async fn pick(&self, kid: Option<&str>) -> Result<Picked, JwksError> {
        let ended = self.ended.load(Ordering::Acquire);
        let mut cache = self.cache.lock().await;
        let shared = self.ended.load(Ordering::Acquire) != ended;
        if !shared && cache.begin(kid, self.clock.monotonic()) {
            let answer = self.metrics.asked(ProviderRequest::Jwks, &self.clock).time(self.fetch()).await;
            cache.end(answer, self.clock.monotonic());
            self.ended.fetch_add(1, Ordering::Release);
        }
        match (cache.pick(kid), &cache.failure) {
            (Picked::Unknown, Some(failure)) => Err(failure.clone()),
            (picked, _) => Ok(picked),
        }
    }

    async fn fetch(&self) -> Result<Vec<Key>, JwksError> {
        let unreachable = |error: reqwest::Error| JwksError::Unreachable(Arc::new(error.without_url()));
        let response = self.client.get(self.url.clone()).send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(JwksError::Status(response.status().as_u16()));
        }
        let body = read_body(response, BODY_LIMIT).await.map_err(|error| JwksError::Unreadable(Arc::new(error)))?;
        usable_keys(&body)
    }
}

impl Cache {
    /// Whether to fetch now. Counts the fetch towards the rate limit, which applies once a fetch has succeeded.
    fn begin(&mut self, kid: Option<&str>, now: Duration) -> bool {
        let Some(fetched) = self.fetched else { return true };
        let wanted = now >= fetched + MAX_AGE || !matches!(self.pick(kid), Picked::Key(_));
        let allowed = self.refetched.is_none_or(|at| now >= at + BETWEEN_REFETCHES);
        if wanted && allowed {
            self.refetched = Some(now);
        }
        wanted && allowed
    }

    /// Stores the result of a fetch. If the fetch failed, the old keys stay.
    fn end(&mut self, answer: Result<Vec<Key>, JwksError>, now: Duration) {
        match answer {
            Ok(keys) => *self = Self { keys, fetched: Some(now), failure: None, ..*self },
            Err(failure) => self.failure = Some(failure),
        }
    }

    fn pick(&self, kid: Option<&str>) -> Picked {
        let mut fitting = self.keys.iter().filter(|key| kid.is_none() || key.id.as_deref() == kid);
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) if kid.is_none() => Picked::Ambiguous,
            (Some(key), _) => Picked::Key(key.key.clone()),
            (None, _) => Picked::Unknown,
        }
    }
}

/// The keys of the set that can verify RS256. All others are ignored.
fn usable_keys(body: &[u8]) -> Result<Vec<Key>, JwksError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(body).map_err(|_| JwksError::NotAKeySet)?;
    Ok(set.keys.into_iter().filter_map(|key| Key::read(serde_json::from_value(key).ok()?)).take(MOST_KEYS).collect())
}

impl Key {
    fn read(jwk: Jwk) -> Option<Self> {
        let AlgorithmParameters::RSA(RSAKeyParameters { n, e, .. }) = &jwk.algorithm else { return None };
        let common = jwk.common;
        let for_signatures = common.public_key_use.is_none_or(|use_| use_ == PublicKeyUse::Signature)
            && common.key_operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
            && common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::RS256);
        let (n, e) = (unsigned(n)?, unsigned(e)?);
        let key = DecodingKey::from_rsa_raw_components(&n, &e);
        (for_signatures && RSA_BITS.contains(&bits(&n))).then_some(Self { id: common.key_id, key })
    }
}

/// Decodes a Base64urlUInt (RFC 7518, section 2), and drops the leading zeros that some servers send and ring rejects.
fn unsigned(encoded: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let first = bytes.iter().position(|&byte| byte != 0)?;
    Some(bytes[first..].to_vec())
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}
