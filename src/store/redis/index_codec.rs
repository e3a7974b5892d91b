//! An index as one field of a record: label, expected end of the login, and the names in hex, separated by spaces.

use crate::store::{Index, NameHash, Names, redis::sortable_time};

/// The placeholder for a missing end or name.
const NONE: &str = "-";

#[derive(Debug, thiserror::Error)]
#[error("a record's index is not a label, a time and three names")]
pub(super) struct Malformed;

pub(super) fn encode(index: &Index) -> String {
    let Index { label, login_end, names: Names { user_id, sub, email } } = index;
    let login_end = login_end.map_or(NONE.to_owned(), sortable_time::from_time);
    let [user_id, sub, email] = [user_id, sub, email].map(|name| name.as_ref().map_or(NONE.to_owned(), hex));
    format!("{label} {login_end} {user_id} {sub} {email}")
}

pub(super) fn decode(text: &str) -> Result<Index, Malformed> {
    let [label, login_end, user_id, sub, email]: [&str; 5] =
        text.split(' ').collect::<Vec<_>>().try_into().map_err(|_| Malformed)?;
    let names = Names { user_id: name(user_id)?, sub: name(sub)?, email: name(email)? };
    let login_end = match login_end {
        NONE => None,
        time => Some(sortable_time::to_time(time).map_err(|_| Malformed)?),
    };
    Ok(Index { label: label.to_owned(), login_end, names })
}

fn name(word: &str) -> Result<Option<NameHash>, Malformed> {
    if word == NONE {
        return Ok(None);
    }
    let hash = u128::from_str_radix(word, 16).map_err(|_| Malformed)?;
    Ok(Some(NameHash(hash.to_be_bytes())))
}

pub(super) fn hex(NameHash(bytes): &NameHash) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}
