//! `HOST` and `PORT`: where the server listens.

use std::net::IpAddr;

use url::Host;

use super::{
    env_file::EnvFile,
    environment::Environment,
    finding::{Fault, Problems},
    reader::{Reader, Reported},
    variable::{HOST, PORT},
};

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
        let host = reader.or_default(HOST, "127.0.0.1", parse_host);
        let port = reader.or_default(PORT, "3000", parse_port);
        Ok(Self { host: host?, port: port? })
    }
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
