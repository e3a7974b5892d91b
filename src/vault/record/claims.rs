//! The claims of an access token that is a JWT, as its user sees them on a page. They are not verified: display them,
//! never decide by them.
//!
//! They are HTML already and stay with the record in memory, so that a page neither decodes nor escapes them again.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::{
    html::{escaped::Escaped, sanitize},
    times::numeric_date,
};

#[derive(Debug)]
pub(crate) struct Claims {
    /// One row for each claim. Those in `KNOWN` come first.
    pub(crate) rows: Vec<ClaimRow>,
    /// All claims as JSON, pretty-printed.
    pub(crate) json: Escaped,
}

#[derive(Debug)]
pub(crate) struct ClaimRow {
    /// What the claim means; empty if this app does not know it.
    pub(crate) meaning: &'static str,
    pub(crate) name: Escaped,
    pub(crate) value: ClaimValue,
}

#[derive(Debug)]
pub(crate) enum ClaimValue {
    /// The page says how far away it is, so it is not HTML yet.
    Time(OffsetDateTime),
    Text(Escaped),
}

/// Registered claims (RFC 7519, RFC 9068) and what they mean, in the order of the table.
const KNOWN: [(&str, &str); 8] = [
    ("iat", "Issued"),
    ("exp", "Expires"),
    ("nbf", "Not valid before"),
    ("iss", "Issuer"),
    ("aud", "Audience"),
    ("scope", "Scope"),
    ("sub", "Subject"),
    ("azp", "Issued to"),
];

impl Claims {
    pub(crate) fn of(claims: &Map<String, Value>) -> Self {
        let known = KNOWN.iter().filter_map(|(name, meaning)| Some(row(name, meaning, claims.get(*name)?)));
        let is_known = |name: &str| KNOWN.iter().any(|(known, _)| *known == name);
        let others = claims.iter().filter(|(name, _)| !is_known(name));
        let rows = known.chain(others.map(|(name, value)| row(name, "", value))).collect();
        let json = serde_json::to_string_pretty(claims).unwrap_or_default();
        Self { rows, json: Escaped::of(&sanitize::full(&json)) }
    }
}

fn row(name: &str, meaning: &'static str, value: &Value) -> ClaimRow {
    let time = matches!(name, "iat" | "exp" | "nbf").then(|| numeric_date(value)).flatten();
    let value = match (time, value) {
        (Some(time), _) => ClaimValue::Time(time),
        (None, Value::String(text)) => ClaimValue::Text(short(text)),
        (None, Value::Array(values)) => ClaimValue::Text(short(&list(values))),
        (None, other) => ClaimValue::Text(short(&other.to_string())),
    };
    ClaimRow { meaning, name: short(name), value }
}

fn short(text: &str) -> Escaped {
    Escaped::of(&sanitize::short(text))
}

/// The values with commas between them: strings as they are, all others as JSON.
fn list(values: &[Value]) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn known_claims_come_first_and_texts_are_escaped() {
        let Value::Object(claims) = json!({
            "custom": {"a": 1}, "exp": 1_795_836_840.5, "aud": ["https://api.videoask.com/", "<b>"], "iat": "soon"
        }) else {
            unreachable!("it is an object")
        };
        let claims = Claims::of(&claims);
        let value = |value: &ClaimValue| match value {
            ClaimValue::Time(time) => time.to_string(),
            ClaimValue::Text(text) => text.to_string(),
        };
        let rows: Vec<_> =
            claims.rows.iter().map(|row| (row.meaning, row.name.to_string(), value(&row.value))).collect();
        assert_eq!(
            rows,
            [
                ("Issued", "iat".to_owned(), "soon".to_owned()),
                ("Expires", "exp".to_owned(), datetime!(2026-11-28 03:34:00.5 UTC).to_string()),
                ("Audience", "aud".to_owned(), "https://api.videoask.com/, &#60;b&#62;".to_owned()),
                ("", "custom".to_owned(), "{&#34;a&#34;:1}".to_owned()),
            ]
        );
        let json = claims.json.to_string();
        assert!(json.contains("\n  &#34;exp&#34;: 1795836840.5"), "{json}");
    }
}
