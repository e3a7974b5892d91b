use std::collections::{BTreeMap, BTreeSet};

use url::form_urlencoded::byte_serialize;

/// Shorter ones could be found by chance.
const SHORTEST: usize = 16;
/// So much of a longer one gives it away, too: text is cut before it is shown.
const TELLING: usize = 24;

/// The names of values on the wire that nobody but the two ends of it may see.
const SECRET_NAMES: [&str; 8] =
    ["access_token", "refresh_token", "id_token", "code", "code_verifier", "state", "nonce", "client_secret"];

/// What must be seen nowhere: each value with a name that may be shown.
#[derive(Default)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    pub fn add(&mut self, name: &str, value: &str) {
        if value.len() >= SHORTEST {
            self.0.insert(value.to_owned(), name.to_owned());
        }
    }

    /// Adds what a wire-tap heard, in queries, forms, JSON and HTML.
    pub fn add_from_wire(&mut self, heard: &str) {
        for name in SECRET_NAMES {
            for start in [format!("{name}="), format!("\"{name}\":\"")] {
                for (at, _) in heard.match_indices(&start) {
                    let before = heard[..at].chars().next_back();
                    let value = &heard[at + start.len()..];
                    let value = value.split(|c: char| !c.is_ascii_graphic() || "&\"<>".contains(c)).next();
                    if !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                        self.add(name, value.unwrap_or_default());
                    }
                }
            }
        }
    }

    /// The names of all there are.
    pub fn names(&self) -> BTreeSet<&str> {
        self.0.values().map(String::as_str).collect()
    }

    /// The names of those that the text gives away: whole, percent-encoded, or enough of them.
    pub fn found_in(&self, text: &str) -> BTreeSet<&str> {
        let given_away = |(value, _): &(&String, &String)| {
            let telling = value.get(..TELLING).unwrap_or(value);
            let encoded: String = byte_serialize(value.as_bytes()).collect();
            // The parts of a JWT, of which each is enough.
            let mut parts = value.split('.').filter(|part| part.len() >= SHORTEST);
            text.contains(telling) || text.contains(&encoded) || parts.any(|part| text.contains(part))
        };
        self.0.iter().filter(given_away).map(|(_, name)| name.as_str()).collect()
    }
}
