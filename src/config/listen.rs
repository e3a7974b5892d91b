//! `HOST` and `PORT`: where the server listens.

use std::net::IpAddr;

use url::Host;

use crate::config::{
    app_url::AppUrl,
    env_file::EnvFile,
    environment::Environment,
    finding::{Fault, Origin, Problems},
    reader::{Reader, Reported},
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
    /// Reads `HOST` and `PORT` alone, for `healthcheck`, which needs no secret and must not fail for want of one.
    pub fn load(environment: &Environment, env_file: &EnvFile) -> Result<Self, Problems> {
        let mut reader = Reader::new(environment, env_file).only_for(&[HOST, PORT]);
        let listen = Self::read(&mut reader);
        reader.finish(listen).map(|read| read.value)
    }

    /// Where a process on this machine reaches the server: an address that means "every interface" is none to connect
    /// to, so the loopback one stands in.
    #[must_use]
    pub fn local_address(&self) -> String {
        match self.host.parse() {
            Ok(IpAddr::V4(address)) if address.is_unspecified() => format!("127.0.0.1:{}", self.port),
            Ok(IpAddr::V6(address)) if address.is_unspecified() => format!("[::1]:{}", self.port),
            Ok(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            _ => format!("{}:{}", self.host, self.port),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Reported> {
        let host = reader.or_default(HOST, DEFAULT_HOST, parse_host);
        let port = reader.or_default(PORT, DEFAULT_PORT, parse_port);
        Ok(Self { host: host?, port: port? })
    }

    /// Warns where what browsers open, `APP_URL`, does not lead to what the server listens on.
    pub(super) fn warn_of_unreachable(&self, reader: &mut Reader<'_>, app_url: &AppUrl) -> Result<(), Reported> {
        let host = reader.value_or_default(HOST, DEFAULT_HOST)?;
        let port = reader.value_or_default(PORT, DEFAULT_PORT)?;
        if is_loopback(app_url.as_url()) {
            if let Some(fault) = self.other_port(app_url) {
                reader.warn(&port, fault);
            }
        } else if *host.origin() == Origin::Unset && *port.origin() == Origin::Environment {
            reader.warn(&host, behind_a_platform());
        }
        Ok(())
    }

    /// Port 0 is whichever the system chooses. With https, a proxy must listen on APP_URL's port.
    fn other_port(&self, app_url: &AppUrl) -> Option<Fault> {
        let (expected, port) = (app_url.as_url().port_or_known_default()?, self.port);
        if app_url.is_https() || port == 0 || port == expected {
            return None;
        }
        let mut reachable = app_url.as_url().clone();
        // Only a URL without a host refuses a port.
        reachable.set_port(Some(port)).ok()?;
        let reachable = reachable.origin().ascii_serialization();
        Some(Fault::new(
            format!("the server listens on port {port}, but browsers open APP_URL's port {expected}"),
            format!(
                "Set APP_URL={reachable} and register its callback, or set PORT={expected}. If a proxy on this machine \
                 listens on port {expected}, all is well."
            ),
        ))
    }
}

/// Where a platform sets PORT, requests come from its proxy, which is on another machine.
fn behind_a_platform() -> Fault {
    Fault::new(
        "the server listens on 127.0.0.1 alone, and PORT comes from the environment, as a hosting platform sets it: \
         its proxy cannot reach 127.0.0.1",
        "Set HOST=0.0.0.0; or HOST=127.0.0.1 if the proxy runs on this machine.",
    )
}

fn parse_host(text: &str) -> Result<String, Fault> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    Host::parse(text).map(|host| host.to_string()).map_err(|_| {
        Fault::new(
            "it is neither an address nor a host name",
            "Write the address to listen on alone, such as 127.0.0.1 or 0.0.0.0; the port is PORT's.",
        )
    })
}

fn parse_port(text: &str) -> Result<u16, Fault> {
    text.parse().map_err(|_| Fault::new("it is not a port", "Write a number from 0 to 65535."))
}
