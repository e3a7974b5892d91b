use std::collections::BTreeMap;

use url::form_urlencoded;

/// The parameters of an OAuth request. One without a value counts as left out (RFC 6749, 3.1).
#[derive(Default)]
pub(super) struct Params(BTreeMap<String, String>);

/// Why a request could not be read at all.
pub(super) enum Unreadable {
    Repeated(String),
    Malformed,
}

impl Params {
    pub(super) fn from_urlencoded(encoded: &[u8]) -> Result<Self, Unreadable> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if params.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(Unreadable::Repeated(name.into_owned()));
            }
        }
        Ok(Self(params))
    }

    pub(super) fn from_json(body: &[u8]) -> Result<Self, Unreadable> {
        serde_json::from_slice(body).map(Self).map_err(|_| Unreadable::Malformed)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}
