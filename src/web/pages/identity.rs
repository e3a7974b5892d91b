//! What pages show about a user's identity.

use crate::{
    vault::{EmailProof, Identity},
    web::pages::sanitize,
};

/// Names and values for a page. A value that VideoAsk did not name is left out.
pub(crate) fn rows(identity: &Identity) -> Vec<(&'static str, String)> {
    let mut rows = present([("Name", identity.name.clone()), ("E-mail", email(identity))]);
    rows.extend(ids(identity));
    rows
}

pub(crate) fn ids(identity: &Identity) -> Vec<(&'static str, String)> {
    present([("User id", identity.user_id.clone()), ("Subject (Auth0 `sub`)", identity.sub.clone())])
}

/// Name and e-mail address in one line. If VideoAsk did not name both, the first that is known of name, e-mail address,
/// user id and `sub`.
pub(crate) fn short(identity: &Identity) -> Option<String> {
    match (&identity.name, email(identity)) {
        (Some(name), Some(email)) => Some(format!("{}, {}", sanitize::short(name), sanitize::short(&email))),
        _ => rows(identity).into_iter().map(|(_, value)| value).next(),
    }
}

fn email(identity: &Identity) -> Option<String> {
    identity.email.as_ref().map(|email| match identity.email_proof {
        EmailProof::No => format!("{email} (not verified)"),
        EmailProof::Verified | EmailProof::Vouched => email.clone(),
    })
}

fn present<const N: usize>(rows: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    rows.into_iter().filter_map(|(name, value)| Some((name, sanitize::short(&value?)))).collect()
}
