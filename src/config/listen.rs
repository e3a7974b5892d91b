//! `HOST` and `PORT`: where the server listens.

use std::net::IpAddr;

use url::Host;

use crate::config::{
    app_url::AppUrl,
    diagnostic::{ConfigError, Issue, ValueSource},
    env_file::EnvFile,
    env_reader::{EnvReader, Reported},
    environment::Environment,
    variable::{HOST, PORT},
    web_url::is_loopback,
};

const DEFAULT_HOST: &str = "127.0.0.1";
const DEFAULT_PORT: &str = "3000";

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// `HOST`: an address (IPv6 without brackets) or a name.
    pub host: String,
    /// `PORT`; 0 lets the system choose.
    pub port: u16,
}

impl Listen {
    /// Reads only `HOST` and `PORT`, for `healthcheck`, which must not fail because a secret is missing.
    pub fn load(environment: &Environment, env_file: &EnvFile) -> Result<Self, ConfigError> {
        let mut reader = EnvReader::new(environment, env_file).only_for(&[HOST, PORT]);
        let listen = Self::read(&mut reader);
        reader.finish(listen).map(|read| read.value)
    }

    /// The address at which a process on this machine reaches the server: the loopback address if the server listens on
    /// every interface.
    pub(crate) fn local_address(&self) -> String {
        match self.host.parse() {
            Ok(IpAddr::V4(address)) if address.is_unspecified() => format!("127.0.0.1:{}", self.port),
            Ok(IpAddr::V6(address)) if address.is_unspecified() => format!("[::1]:{}", self.port),
            Ok(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            _ => format!("{}:{}", self.host, self.port),
        }
    }

    pub(super) fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        let host = reader.or_default(HOST, DEFAULT_HOST, parse_host);
        let port = reader.or_default(PORT, DEFAULT_PORT, parse_port);
        Ok(Self { host: host?, port: port? })
    }

    /// Warns if `APP_URL`, which browsers open, probably does not lead to the address that the server listens on.
    pub(super) fn warn_of_unreachable(&self, reader: &mut EnvReader<'_>, app_url: &AppUrl) -> Result<(), Reported> {
        let host = reader.value_or_default(HOST, DEFAULT_HOST)?;
        let port = reader.value_or_default(PORT, DEFAULT_PORT)?;
        if is_loopback(app_url.as_url()) {
            if let Some(issue) = self.other_port(app_url) {
                reader.warn(&port, issue);
            }
        } else if *host.source() == ValueSource::Unset && *port.source() == ValueSource::Environment {
            reader.warn(&host, behind_a_platform());
        }
        Ok(())
    }

    /// The warning that `APP_URL` has another port than the server. There is none with port 0, for which the system
    /// chooses a port, or with https, for which a reverse proxy listens on `APP_URL`'s port.
    fn other_port(&self, app_url: &AppUrl) -> Option<Issue> {
        let (expected, port) = (app_url.as_url().port_or_known_default()?, self.port);
        if app_url.is_https() || port == 0 || port == expected {
            return None;
        }
        let mut reachable = app_url.as_url().clone();
        // Only a URL without a host refuses a port.
        reachable.set_port(Some(port)).ok()?;
        let reachable = reachable.origin().ascii_serialization();
        Some(Issue::new(
            format!("the server listens on port {port}, but browsers open APP_URL's port {expected}"),
            format!(
                "Set APP_URL={reachable} and register its callback, or set PORT={expected}. If a proxy on this machine \
                 listens on port {expected}, ignore this."
            ),
        ))
    }
}

/// The warning for a hosting platform: it sets `PORT`, and its proxy, which usually runs on another machine, cannot
/// reach 127.0.0.1.
fn behind_a_platform() -> Issue {
    Issue::new(
        "the server listens on 127.0.0.1 alone, and PORT comes from the environment, as a hosting platform sets it: \
         its proxy cannot reach 127.0.0.1",
        "Set HOST=0.0.0.0; or HOST=127.0.0.1 if the proxy runs on this machine.",
    )
}

fn parse_host(text: &str) -> Result<String, Issue> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    Host::parse(text).map(|host| host.to_string()).map_err(|_| {
        Issue::new(
            "it is neither an address nor a host name",
            "Write the address to listen on alone, such as 127.0.0.1 or 0.0.0.0; the port belongs in PORT.",
        )
    })
}

fn parse_port(text: &str) -> Result<u16, Issue> {
    text.parse().map_err(|_| Issue::new("it is not a port", "Write a number from 0 to 65535."))
}
