//! `API_KEY`: what opens the machine routes.

use secrecy::SecretString;

use crate::config::{
    finding::Fault,
    list,
    mode::Mode,
    reader::{Reader, Reported},
    variable::API_KEY,
    weak,
};

const SHORTEST: usize = 32;
const MEND: &str = "Make each key with: openssl rand -hex 32 (and put commas between keys)";

/// The keys, unless one of them is also one of `others`: a key goes to every caller, another secret to none.
pub(super) fn read(reader: &mut Reader<'_>, mode: &Mode, others: &[&str]) -> Result<Vec<SecretString>, Reported> {
    let Some(value) = reader.get(API_KEY)? else { return Ok(Vec::new()) };
    if *mode == Mode::Mint {
        reader.check(&value, |_| Err::<(), _>(without_users()))?;
    }
    reader.check(&value, |text| list::elements(text).map(|key| parse(key, others)).collect())
}

fn without_users() -> Fault {
    Fault::new(
        "there is no ALLOWED_USERS, and keys open only listed users' accounts",
        "Set ALLOWED_USERS to the users whose tokens this app should keep, or unset API_KEY.",
    )
}

fn parse(key: &str, others: &[&str]) -> Result<SecretString, Fault> {
    if key.is_empty() {
        return Err(Fault::new("an element is empty", "Leave out the comma that has no key beside it."));
    }
    if key.chars().count() < SHORTEST {
        return Err(Fault::new(format!("a key is shorter than {SHORTEST} characters"), MEND));
    }
    if !is_bearer_token(key) {
        return Err(Fault::new("a key has a character that cannot be in an Authorization header", MEND));
    }
    if let Some(weakness) = weak::find(key) {
        return Err(Fault::new(format!("a key {weakness}, so it can be guessed"), MEND));
    }
    if others.contains(&key) {
        return Err(Fault::new("a key is the same as another secret of this configuration", MEND));
    }
    Ok(key.into())
}

/// RFC 6750, 2.1. So keys with another separator than a comma are no single key.
fn is_bearer_token(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}
