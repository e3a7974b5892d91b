//! The rules for URLs in the configuration: https, or http to a loopback host, and no user name or password.

use url::{Host, Url};

use crate::config::diagnostic::Issue;

/// Whether the URL's host is this machine, so that http to it crosses no network.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Parses a URL by these rules. It may have a path.
pub(super) fn parse(text: &str) -> Result<Url, Issue> {
    const EXAMPLE: &str = "Write a whole URL, such as https://tokens.example.com.";
    let url = Url::parse(text).map_err(|_| Issue::new("it is not a URL", EXAMPLE))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(Issue::new("it does not start with https:// and a host", EXAMPLE));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Issue::new(
            "it contains a user name or a password",
            "Leave out what comes before the @, and the @.",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Issue::new("it has a query or a fragment", "Leave out the ? or # and what follows."));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(Issue::new(
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
