//! `PKCE`: whether logins use it.

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported},
    variable::PKCE,
};

/// Whether logins use PKCE (RFC 7636).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// Logins use PKCE with the method S256.
    On,
    /// Logins do not use PKCE, for a tenant that rejects it.
    Off,
}

impl Pkce {
    pub(super) fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        let value = reader.value_or_default(PKCE, "on")?;
        let pkce = reader.check(&value, Self::parse)?;
        if pkce == Self::Off {
            let message = "every login needs an id_token now, because without PKCE only that protects a login from a \
                         stolen code; a login without one is refused";
            reader.warn(&value, Issue::new(message, "Set PKCE=on, unless VideoAsk rejects PKCE for your app."));
        }
        Ok(pkce)
    }

    fn parse(text: &str) -> Result<Self, Issue> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(Issue::new("it is neither on nor off", "Write on, or off for a tenant that rejects PKCE.")),
        }
    }
}
