//! The claims of an access token, as a table and as JSON.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::web::pages::{rich_text::RichText, sanitize};

#[derive(Debug)]
pub(crate) struct Claims {
    /// One row for each claim. Those in `KNOWN` come first.
    pub(crate) rows: Vec<ClaimRow>,
    /// All claims as JSON, pretty-printed.
    pub(crate) json: String,
}

#[derive(Debug)]
pub(crate) struct ClaimRow {
    /// What the claim means; empty if this app does not know it.
    pub(crate) meaning: &'static str,
    pub(crate) name: String,
    /// The value of the claim; a time is written in words.
    pub(crate) value: RichText,
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
    pub(crate) fn new(claims: &Map<String, Value>, now: OffsetDateTime) -> Self {
        let known = KNOWN.iter().filter_map(|(name, meaning)| Some(row(name, meaning, claims.get(*name)?, now)));
        let is_known = |name: &str| KNOWN.iter().any(|(known, _)| *known == name);
        let others = claims.iter().filter(|(name, _)| !is_known(name));
        let rows = known.chain(others.map(|(name, value)| row(name, "", value, now))).collect();
        let json = serde_json::to_string_pretty(claims).unwrap_or_default();
        Self { rows, json: sanitize::full(&json) }
    }
}

fn row(name: &str, meaning: &'static str, value: &Value, now: OffsetDateTime) -> ClaimRow {
    let seconds = value.as_i64().filter(|_| matches!(name, "iat" | "exp" | "nbf"));
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let value = match (time, value) {
        (Some(time), _) => RichText::default().time(time, now),
        (None, Value::String(text)) => RichText::default().untrusted(text),
        (None, Value::Array(values)) => RichText::default().untrusted(&list(values)),
        (None, other) => RichText::default().untrusted(&other.to_string()),
    };
    ClaimRow { meaning, name: sanitize::short(name), value }
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
    fn known_claims_come_first_and_their_times_are_in_words() {
        let Value::Object(claims) = json!({
            "custom": {"a": 1}, "exp": 1_795_836_840, "aud": ["https://api.videoask.com/", "b"], "iat": "soon"
        }) else {
            unreachable!("it is an object")
        };
        let claims = Claims::new(&claims, datetime!(2026-11-27 03:34 UTC));
        let rows: Vec<_> = claims.rows.iter().map(|row| (row.meaning, &*row.name, row.value.plain())).collect();
        assert_eq!(
            rows,
            [
                ("Issued", "iat", "soon".to_owned()),
                ("Expires", "exp", "tomorrow, 03:34 UTC".to_owned()),
                ("Audience", "aud", "https://api.videoask.com/, b".to_owned()),
                ("", "custom", "{\"a\":1}".to_owned()),
            ]
        );
        assert!(claims.json.contains("\n  \"exp\": 1795836840"), "{}", claims.json);
    }
}
