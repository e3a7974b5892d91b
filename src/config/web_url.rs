//! What every URL of the configuration must be: https, or http to this very machine, and without a password.

use url::{Host, Url};

use crate::config::finding::Fault;

/// Whether a host is this machine by name or number, so that http to it crosses no network.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A URL by these rules; it may have a path.
pub(super) fn parse(text: &str) -> Result<Url, Fault> {
    const EXAMPLE: &str = "Write a whole URL, such as https://tokens.example.com.";
    let url = Url::parse(text).map_err(|_| Fault::new("it is not a URL", EXAMPLE))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(Fault::new("it does not begin with https:// and a host", EXAMPLE));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Fault::new("it holds a user name or a password", "Leave out what comes before the @, and the @."));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Fault::new("it has a query or a fragment", "Leave out the ? or # and what follows."));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(Fault::new(
            "it is http to a host that is not this machine, so secrets would cross the network in the clear",
            "Use https; http is for localhost, 127.0.0.1 and [::1].",
        ));
    }
    Ok(url)
}

/// The same URL without a slash at its end (a bare origin keeps the one that a URL always has).
pub(super) fn without_trailing_slash(mut url: Url) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    url
}
