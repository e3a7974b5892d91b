use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::AhoCorasick;
use url::form_urlencoded::byte_serialize;

/// The fewest bytes of a secret. A shorter one could be found by chance.
const SHORTEST: usize = 16;
/// This many bytes at the start of a longer secret give it away, too, since text may be cut before it is shown.
const TELLING: usize = 24;

/// The names of values that only their sender and their receiver may see.
const SECRET_NAMES: [&str; 8] =
    ["access_token", "refresh_token", "id_token", "code", "code_verifier", "state", "nonce", "client_secret"];

/// Values that must not be shown, each with a name that may be shown.
#[derive(Default)]
pub struct Secrets(BTreeMap<String, String>);

impl Secrets {
    pub fn add(&mut self, name: &str, value: &str) {
        if value.len() >= SHORTEST {
            self.0.insert(value.to_owned(), name.to_owned());
        }
    }

    /// Adds the secrets in recorded traffic: in queries, forms, JSON and HTML.
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

    /// The names of all secrets.
    pub fn names(&self) -> BTreeSet<&str> {
        self.0.values().map(String::as_str).collect()
    }

    /// The names of the secrets that the text contains: whole, percent-encoded, or enough of them.
    pub fn found_in(&self, text: &str) -> BTreeSet<&str> {
        self.scanner().found_in(text)
    }

    /// A scanner for these secrets, to be built once for many texts.
    pub fn scanner(&self) -> Scanner<'_> {
        let giveaways = self.0.iter().flat_map(|(value, name)| {
            let telling = value.get(..TELLING).unwrap_or(value).to_owned();
            // Each of these parts of a JWT gives it away.
            let parts = value.split('.').filter(|part| part.len() >= SHORTEST).map(str::to_owned);
            let texts = parts.chain([telling, byte_serialize(value.as_bytes()).collect()]);
            texts.map(move |text| (text, name.as_str()))
        });
        let (texts, names): (Vec<String>, _) = giveaways.unzip();
        Scanner { texts: AhoCorasick::new(texts).unwrap(), names }
    }
}

/// Every text that gives a secret away, and the name of the secret for each text.
pub struct Scanner<'a> {
    texts: AhoCorasick,
    names: Vec<&'a str>,
}

impl<'a> Scanner<'a> {
    pub fn found_in(&self, text: &str) -> BTreeSet<&'a str> {
        self.texts.find_overlapping_iter(text).map(|found| self.names[found.pattern()]).collect()
    }
}
