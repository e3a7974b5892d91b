//! `NOTIFY_URL`: the webhook that receives events about connections.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported},
    mode::Mode,
    variable::NOTIFY_URL,
    web_url::is_loopback,
};

const FIX: &str = "Copy the whole webhook URL: https, or http on localhost.";

/// The URL that receives events. The path or query of a webhook is its password, so all of it is secret.
#[derive(Clone, Debug)]
pub struct NotifyUrl(SecretString);

impl NotifyUrl {
    /// The URL itself, for the HTTP client alone.
    ///
    /// # Panics
    /// Never: the URL was parsed when it was read.
    pub(crate) fn expose(&self) -> Url {
        Url::parse(self.0.expose_secret()).expect("NOTIFY_URL was parsed when it was read")
    }

    pub(super) fn read(reader: &mut EnvReader<'_>, mode: &Mode) -> Result<Option<Self>, Reported> {
        let Some(value) = reader.get(NOTIFY_URL)? else { return Ok(None) };
        if *mode == Mode::Mint {
            reader.check(&value, |_| Err::<(), _>(without_users()))?;
        }
        reader.check(&value, parse).map(Some)
    }
}

fn without_users() -> Issue {
    Issue::new(
        "ALLOWED_USERS is not set, and only the connections of listed users are reported",
        "Set ALLOWED_USERS to the users whose tokens this app should keep, or unset NOTIFY_URL.",
    )
}

/// Parses the URL. Unlike other URLs of the configuration it may have a query, since some webhooks have their key
/// there.
fn parse(text: &str) -> Result<NotifyUrl, Issue> {
    let url = Url::parse(text).map_err(|_| Issue::new("it is not a URL", FIX))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(Issue::new("it does not begin with https:// and a host", FIX));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Issue::new("it holds a user name or a password", "Put the key into the path or the query."));
    }
    if url.fragment().is_some() {
        return Err(Issue::new("it has a fragment", "Leave out the # and what follows."));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(Issue::new(
            "it is http to a host that is not this machine, so its key would cross the network in the clear",
            FIX,
        ));
    }
    Ok(NotifyUrl(text.into()))
}
