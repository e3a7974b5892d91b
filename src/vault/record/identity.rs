//! Who a connection belongs to, as VideoAsk said it.

use serde::{Deserialize, Serialize};

use crate::{config::AllowedUsers, provider::Subject};

/// The names VideoAsk has for one user. `GET /me` gives `user_id`; an id_token gives `sub`; either may give the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// VideoAsk's own id.
    pub user_id: Option<String>,
    /// The issuer of the login's id_token.
    #[serde(default)]
    pub iss: Option<String>,
    /// The id_token's subject.
    pub sub: Option<String>,
    /// The address, which counts only as `email_proof` says.
    pub email: Option<String>,
    /// Why the address counts.
    pub email_proof: EmailProof,
    /// What the user is called.
    pub name: Option<String>,
}

/// Why an e-mail address may stand for its user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailProof {
    /// An id_token said `email_verified`.
    Verified,
    /// The operator vouched, by an import.
    Vouched,
    /// It does not count.
    #[default]
    No,
}

impl Identity {
    /// Whether the list has one of this user's names; an e-mail that does not count is none.
    pub(crate) fn is_in(&self, allowed: &AllowedUsers) -> bool {
        allowed.admits(self.proven_email(), self.user_id.as_deref(), self.sub.as_deref()).is_some()
    }

    /// Whether an id_token that came with a refresh names another user or issuer than the login's id_token. What either
    /// of them leaves out is not compared.
    pub(crate) fn is_contradicted_by(&self, subject: &Subject) -> bool {
        let differ =
            |ours: &Option<String>, theirs: &Option<String>| ours.is_some() && theirs.is_some() && ours != theirs;
        differ(&self.sub, &subject.sub) || differ(&self.iss, &subject.iss)
    }

    /// What to call this user on a page: e-mail, else name, else id.
    pub(crate) fn label(&self) -> Option<&str> {
        [&self.email, &self.name, &self.user_id, &self.sub].into_iter().find_map(|name| name.as_deref())
    }

    /// Whether a name in `ALLOWED_USERS`, `?user=` or `--user` means this user: an e-mail that counts, in any ASCII
    /// case, or VideoAsk's id, or the subject.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.has_email(name) || [&self.user_id, &self.sub].into_iter().any(|id| id.as_deref() == Some(name))
    }

    /// Whether the list has an id of this user, whatever their e-mail.
    pub(crate) fn is_in_by_id(&self, allowed: &AllowedUsers) -> bool {
        allowed.admits(None, self.user_id.as_deref(), self.sub.as_deref()).is_some()
    }

    /// Whether this address is the user's, and counts.
    pub(crate) fn has_email(&self, email: &str) -> bool {
        self.proven_email().is_some_and(|own| own.eq_ignore_ascii_case(email))
    }
    pub(crate) fn proven_email(&self) -> Option<&str> {
        match self.email_proof {
            EmailProof::Verified | EmailProof::Vouched => self.email.as_deref(),
            EmailProof::No => None,
        }
    }
}
