//! The user of a connection, as VideoAsk described them.

use serde::{Deserialize, Serialize};

use crate::{
    config::AllowedUsers,
    provider::{IdClaims, Subject},
    telemetry::excerpt,
};

/// VideoAsk's names for one user. `GET /me` returns `user_id`, an id_token contains `sub`, and either may contain the
/// rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// VideoAsk's own id.
    pub user_id: Option<String>,
    /// The issuer of the login's id_token.
    #[serde(default)]
    pub iss: Option<String>,
    /// The id_token's subject.
    pub sub: Option<String>,
    /// The address. Whether it identifies the user depends on `email_proof`.
    pub email: Option<String>,
    /// Whether the address is verified, and by whom.
    pub email_proof: EmailProof,
    /// The display name.
    pub name: Option<String>,
}

/// Why an e-mail address identifies its user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmailProof {
    /// An id_token said `email_verified`.
    Verified,
    /// The operator vouched for it in an import.
    Vouched,
    /// Nothing proves it, so it identifies no one.
    #[default]
    No,
}

impl Identity {
    /// Whether the list contains an id or the proven e-mail of this user.
    pub(crate) fn is_in(&self, allowed: &AllowedUsers) -> bool {
        allowed.admits(self.proven_email(), self.user_id.as_deref(), self.sub.as_deref()).is_some()
    }

    /// Whether the id_token of a refresh names another user or issuer than the login's id_token. A claim that either
    /// lacks is not compared.
    pub(crate) fn is_contradicted_by(&self, subject: &Subject) -> bool {
        let differ =
            |ours: &Option<String>, theirs: &Option<String>| ours.is_some() && theirs.is_some() && ours != theirs;
        differ(&self.sub, &subject.sub) || differ(&self.iss, &subject.iss)
    }

    /// The user, for the log: VideoAsk's `user_id`, else the id_token's `sub`.
    pub(crate) fn logged_id(&self) -> Option<String> {
        self.user_id.as_deref().or(self.sub.as_deref()).map(excerpt)
    }

    /// The name of this user on a page: e-mail, else name, else id.
    pub(crate) fn label(&self) -> Option<&str> {
        [&self.email, &self.name, &self.user_id, &self.sub].into_iter().find_map(|name| name.as_deref())
    }

    /// Whether a name in `ALLOWED_USERS`, `?user=` or `--user` means this user. It is the proven e-mail in any ASCII
    /// case, the `user_id`, or the `sub`.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.has_email(name) || [&self.user_id, &self.sub].into_iter().any(|id| id.as_deref() == Some(name))
    }

    /// Whether the list contains an id of this user. E-mails are not compared.
    pub(crate) fn is_in_by_id(&self, allowed: &AllowedUsers) -> bool {
        allowed.admits(None, self.user_id.as_deref(), self.sub.as_deref()).is_some()
    }

    /// Whether this is the proven address of the user.
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

impl From<IdClaims> for Identity {
    fn from(claims: IdClaims) -> Self {
        let email_proof = if claims.email_verified { EmailProof::Verified } else { EmailProof::No };
        Self {
            user_id: None,
            iss: Some(claims.iss),
            sub: Some(claims.sub),
            email: claims.email,
            email_proof,
            name: claims.name,
        }
    }
}
