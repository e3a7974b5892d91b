//! Who a user is, as rows for a page.

use crate::{
    vault::{EmailProof, Identity},
    web::pages::sanitize,
};

/// Names and values; what VideoAsk did not tell is left out.
pub(crate) fn rows(identity: &Identity) -> Vec<(&'static str, String)> {
    let email = identity.email.as_ref().map(|email| match identity.email_proof {
        EmailProof::No => format!("{email} (not verified)"),
        EmailProof::Verified | EmailProof::Vouched => email.clone(),
    });
    [
        ("Name", identity.name.clone()),
        ("E-mail", email),
        ("User id", identity.user_id.clone()),
        ("Subject (Auth0 `sub`)", identity.sub.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, sanitize::short(&value?))))
    .collect()
}
