//! `GET /me`.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};

use crate::vault::{EmailProof, Identity};

/// The user behind a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The API's name for the user; the record's key in keep mode. Not the id_token's `sub`.
    pub user_id: String,
    /// The user's name for themselves.
    pub username: Option<String>,
    /// Not known to be verified.
    pub email: Option<String>,
}

impl Me {
    /// Adds itself to what an id_token says. An e-mail from here is only for show: at a login it is never proof, whatever
    /// the id_token says beside its own e-mail.
    pub(crate) fn completes(self, claimed: Identity) -> Identity {
        let Self { user_id, username, email } = self;
        let (email, email_proof) = match claimed.email {
            Some(email) => (Some(email), claimed.email_proof),
            None => (email, EmailProof::No),
        };
        let name = claimed.name.or(username);
        Identity { user_id: Some(user_id), email, email_proof, name, ..claimed }
    }
}

impl From<Me> for Identity {
    fn from(me: Me) -> Self {
        me.completes(Self::default())
    }
}

impl<'de> Deserialize<'de> for Me {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Map::deserialize(deserializer)?;
        let user_id = id(json.get("user_id")).ok_or_else(|| D::Error::custom("no user_id"))?;
        let text = |name| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        Ok(Self { user_id, username: text("username"), email: text("email") })
    }
}

/// An id as text, whether VideoAsk sends text or a number.
pub(super) fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
