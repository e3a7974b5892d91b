//! `GET /forms`.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};
use url::Url;

use crate::videoask::{me::id, pages::Page};

/// A page of forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forms {
    /// How many there are in all.
    pub count: u64,
    /// The page after this one.
    pub next: Option<Page>,
    /// The page before this one.
    pub previous: Option<Page>,
    /// The forms.
    pub results: Vec<Form>,
}

/// A form: what VideoAsk calls a videoask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Its id.
    pub id: String,
    /// Its title, or empty.
    pub title: String,
    /// The page where people answer it.
    pub share_url: Option<Url>,
}

impl<'de> Deserialize<'de> for Forms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Map::deserialize(deserializer)?;
        let results = json.get("results").and_then(Value::as_array);
        let forms: Vec<Form> =
            results.ok_or_else(|| D::Error::custom("no results"))?.iter().filter_map(Form::read).collect();
        let link = |name| json.get(name).and_then(Page::of_link);
        Ok(Self {
            count: json.get("count").and_then(Value::as_u64).unwrap_or(forms.len() as u64),
            next: link("next"),
            previous: link("previous"),
            results: forms,
        })
    }
}

impl Form {
    fn read(json: &Value) -> Option<Self> {
        let text = |name| json.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            id: id(json.get("form_id")).or_else(|| id(json.get("id")))?,
            title: text("title").unwrap_or_default(),
            // It becomes a link on a page, and a `javascript:` URL must not.
            share_url: text("share_url").and_then(|url| Url::parse(&url).ok()).filter(|url| url.scheme() == "https"),
        })
    }
}
