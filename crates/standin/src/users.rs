use std::fmt::Write;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// A VideoAsk account of the stand-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The e-mail address in lower case.
    pub email: String,
    /// The full name.
    pub name: String,
    /// The id_token's `email_verified`.
    pub email_verified: bool,
}

impl User {
    /// The accounts on the login page: Ada, Grace, and Eve, whose e-mail is not verified.
    #[must_use]
    pub fn offered() -> [Self; 3] {
        [
            Self::known("ada@example.com", "Ada Lovelace"),
            Self::known("grace@example.com", "Grace Hopper"),
            Self { email_verified: false, ..Self::known("eve@example.com", "Eve Moneypenny") },
        ]
    }

    /// The account with this e-mail. Every other address at `example.com` has an account too, so that a load test can
    /// have any number of users.
    #[must_use]
    pub fn find(email: &str) -> Option<Self> {
        let email = email.to_ascii_lowercase();
        if let Some(user) = Self::offered().into_iter().find(|user| user.email == email) {
            return Some(user);
        }
        let name = email.strip_suffix("@example.com")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        (1..=40).contains(&name.len()).then_some(())?;
        name.chars().all(plain).then(|| Self::known(&email, name))
    }

    /// The id_token's `sub`.
    #[must_use]
    pub fn sub(&self) -> String {
        format!("auth0|{}", self.email.split('@').next().unwrap_or_default())
    }

    /// VideoAsk's id of the user, which differs from `sub`.
    #[must_use]
    pub fn user_id(&self) -> String {
        uuid(&format!("user {}", self.email))
    }

    /// The ids of the user's own organization and of the second one.
    #[must_use]
    pub fn organization_ids(&self) -> [String; 2] {
        ["own", "second"].map(|which| uuid(&format!("{which} organization of {}", self.email)))
    }

    pub(super) fn by_sub(sub: &str) -> Option<Self> {
        Self::find(&format!("{}@example.com", sub.strip_prefix("auth0|")?))
    }

    fn known(email: &str, name: &str) -> Self {
        Self { email: email.into(), name: name.into(), email_verified: true }
    }
}

/// A UUID that is always the same for the same text.
pub(super) fn uuid(of: &str) -> String {
    let hex = hex(&digest(&SHA256, of.as_bytes()).as_ref()[..16]);
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
        hex
    })
}
