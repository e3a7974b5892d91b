//! `API_KEY`: the keys for the machine API.

use secrecy::SecretString;

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported},
    list,
    mode::Mode,
    variable::API_KEY,
    weak_secret,
};

const SHORTEST: usize = 32;
const FIX: &str = "Create each key with: openssl rand -hex 32 (and put commas between keys)";

/// Reads the keys. No key may equal one of the `others`: API keys are given to callers, and other secrets to nobody.
pub(super) fn read(reader: &mut EnvReader<'_>, mode: &Mode, others: &[&str]) -> Result<Vec<SecretString>, Reported> {
    let Some(value) = reader.get(API_KEY)? else { return Ok(Vec::new()) };
    if *mode == Mode::Mint {
        reader.check(&value, |_| Err::<(), _>(without_users()))?;
    }
    reader.check(&value, |text| list::elements(text).map(|key| parse(key, others)).collect())
}

fn without_users() -> Issue {
    Issue::new(
        "ALLOWED_USERS is not set, and API keys only work for listed users",
        "Set ALLOWED_USERS to the users whose tokens this app should keep, or unset API_KEY.",
    )
}

fn parse(key: &str, others: &[&str]) -> Result<SecretString, Issue> {
    if key.is_empty() {
        return Err(Issue::new("an element is empty", "Leave out the comma that has no key beside it."));
    }
    if key.chars().count() < SHORTEST {
        return Err(Issue::new(format!("a key is shorter than {SHORTEST} characters"), FIX));
    }
    if !is_bearer_token(key) {
        return Err(Issue::new("a key has a character that cannot be in an Authorization header", FIX));
    }
    if let Some(weakness) = weak_secret::find(key) {
        return Err(Issue::new(format!("a key {weakness}, so it can be guessed"), FIX));
    }
    if others.contains(&key) {
        return Err(Issue::new("a key is the same as another secret of this configuration", FIX));
    }
    Ok(key.into())
}

/// Whether the key has only characters that RFC 6750, 2.1 allows in a bearer token. This also rejects keys that are
/// separated by something other than a comma.
pub(super) fn is_bearer_token(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}
