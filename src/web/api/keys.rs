//! `API_KEY`: which requests carry one.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

use crate::web::{Site, api::problem::Problem};

/// The keys, as hashes: of equal length, so that comparing tells nothing of a key, and of no use to who reads memory.
pub struct ApiKeys(Vec<[u8; 32]>);

impl ApiKeys {
    pub(in crate::web) fn new(keys: &[SecretString]) -> Self {
        Self(keys.iter().map(|key| hash(key.expose_secret().as_bytes())).collect())
    }

    /// Whether there is none, and so no route for machines.
    pub(in crate::web) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares with every key, whichever fits, so that the time taken does not tell.
    fn admit(&self, presented: &[u8]) -> bool {
        let presented = hash(presented);
        self.0.iter().fold(Choice::from(0), |found, key| found | key.ct_eq(&presented)).into()
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, key).as_ref());
    hash
}

/// That a request carries a key (RFC 6750, 2.1).
pub(super) struct Admitted;

impl FromRequestParts<Site> for Admitted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Problem> {
        let problem = match bearer(&parts.headers) {
            Some(presented) if site.api_keys.admit(presented) => return Ok(Self),
            Some(_) => Problem::KeyWrong,
            None => Problem::KeyMissing,
        };
        site.count_turned_away(parts, &problem);
        Err(problem)
    }
}

/// The one bearer credential of a request. Of two, nobody could say which counts.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (all.next()?.as_bytes(), all.next()) else { return None };
    let (scheme, credential) = only.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| credential.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (header::AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn any_of_the_keys_opens_and_nothing_else_does() {
        let keys = ApiKeys::new(&["first-key".to_owned().into(), "second-key".to_owned().into()]);
        assert!(keys.admit(b"first-key") && keys.admit(b"second-key"));
        for wrong in ["", "first", "first-key2", "FIRST-KEY", "first-key,second-key"] {
            assert!(!keys.admit(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        assert_eq!(bearer(&headers(&["bEARER key"])), Some(b"key".as_slice()));
        assert_eq!(bearer(&headers(&["Bearer  key"])), Some(b"key".as_slice()));
    }

    #[test]
    fn no_other_scheme_and_no_second_header_will_do() {
        for wrong in [&[][..], &["Basic key"], &["key"], &["Bearer"], &["Bearerkey"], &["Bearer a", "Bearer a"]] {
            assert_eq!(bearer(&headers(wrong)), None, "{wrong:?}");
        }
    }
}
