//! What pages show about a user's identity.

use std::borrow::Cow;

use crate::{
    html::sanitize,
    vault::{EmailProof, Identity},
};

/// Names and values for a page. A value that VideoAsk did not name is left out.
pub(crate) fn rows(identity: &Identity) -> Vec<(&'static str, String)> {
    let mut rows = present([("Name", identity.name.as_deref()), ("E-mail", email(identity).as_deref())]);
    rows.extend(ids(identity));
    rows
}

pub(crate) fn ids(identity: &Identity) -> Vec<(&'static str, String)> {
    present([("User id", identity.user_id.as_deref()), ("Subject (Auth0 `sub`)", identity.sub.as_deref())])
}

/// Name and e-mail address in one line. If VideoAsk did not name both, the first that is known of name, e-mail address,
/// user id and `sub`.
pub(crate) fn short(identity: &Identity) -> Option<String> {
    match (&identity.name, email(identity)) {
        (Some(name), Some(email)) => Some(format!("{}, {}", sanitize::short(name), sanitize::short(&email))),
        _ => rows(identity).into_iter().map(|(_, value)| value).next(),
    }
}

fn email(identity: &Identity) -> Option<Cow<'_, str>> {
    identity.email.as_ref().map(|email| match identity.email_proof {
        EmailProof::No => format!("{email} (not verified)").into(),
        EmailProof::Verified | EmailProof::Vouched => email.into(),
    })
}

fn present<const N: usize>(rows: [(&'static str, Option<&str>); N]) -> Vec<(&'static str, String)> {
    rows.into_iter().filter_map(|(name, value)| Some((name, sanitize::short(value?)))).collect()
}
