//! The keys of `API_KEY`, and where a request carries one.

use axum::http::{HeaderMap, header};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use subtle::{Choice, ConstantTimeEq};

/// The keys, as SHA-256 hashes: all of one length, so that comparing reveals nothing about a key, and useless to someone
/// who can read memory.
pub(crate) struct ApiKeys(Vec<[u8; 32]>);

impl ApiKeys {
    pub(crate) fn new(keys: &[SecretString]) -> Self {
        Self(keys.iter().map(|key| hash(key.expose_secret().as_bytes())).collect())
    }

    /// Whether there is no key. Then the HTTP API does not exist.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares with every key, so that the time does not depend on which one matches.
    pub(super) fn accepts(&self, presented: &[u8]) -> bool {
        let presented = hash(presented);
        self.0.iter().fold(Choice::from(0), |found, key| found | key.ct_eq(&presented)).into()
    }
}

fn hash(key: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, key).as_ref());
    hash
}

/// The bearer token of a request (RFC 6750, 2.1); none if there are two `Authorization` headers.
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
    fn each_key_is_accepted_and_nothing_else() {
        let keys = ApiKeys::new(&["first-key".to_owned().into(), "second-key".to_owned().into()]);
        assert!(keys.accepts(b"first-key") && keys.accepts(b"second-key"));
        for wrong in ["", "first", "first-key2", "FIRST-KEY", "first-key,second-key"] {
            assert!(!keys.accepts(wrong.as_bytes()), "{wrong}");
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
