//! `APP_URL`: the origin at which browsers reach this app.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported},
    variable, web_url,
};

/// The public origin: https, or http on a loopback host. It has no path, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUrl {
    url: Url,
    login: Url,
    callback: Url,
}

impl AppUrl {
    pub(super) fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        const FIX: &str = "Set the URL at which browsers reach this app; on your own machine http://localhost:3000.";
        reader.required(variable::APP_URL, FIX, Self::parse)
    }

    fn parse(text: &str) -> Result<Self, Issue> {
        let url = web_url::parse(text)?;
        if url.host_str().is_some_and(|host| host == "glitch.me" || host.ends_with(".glitch.me")) {
            return Err(Issue::new(
                "it is at glitch.me, and Glitch stopped hosting apps on 8 July 2025",
                "Set the URL at which this app runs now, and register its callback in VideoAsk's developer app.",
            ));
        }
        if url.path() != "/" {
            let origin = url.origin().ascii_serialization();
            return Err(Issue::new("it has a path, and this app serves the root", format!("Write {origin} alone.")));
        }
        let own = |path| join(&url, path);
        Ok(Self { login: own("/auth/videoask"), callback: own("/auth/videoask/callback"), url })
    }

    /// The URL of one of this app's own routes; `path` begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Url {
        join(&self.url, path)
    }

    /// The origin as browsers send it in the header `Origin`, such as `https://tokens.example.com`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(crate) fn login(&self) -> &Url {
        &self.login
    }

    /// The callback URL to register in VideoAsk's developer settings.
    pub(crate) fn callback(&self) -> &Url {
        &self.callback
    }

    /// The addresses on which a program on this machine has to listen so that browsers reach it at this URL; none if
    /// the URL is https. Browsers may try either address of `localhost` first.
    pub(crate) fn loopback_addresses(&self) -> Vec<SocketAddr> {
        let port = self.url.port_or_known_default().unwrap_or_default();
        let hosts: Vec<IpAddr> = match self.url.host() {
            _ if self.is_https() => Vec::new(),
            Some(Host::Domain(_)) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            None => Vec::new(),
        };
        hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect()
    }

    /// Whether browsers use https. If they do, cookies are `Secure`, with names that begin with `__Host-`, and
    /// responses have HSTS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn as_url(&self) -> &Url {
        &self.url
    }
}

fn join(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url
}
