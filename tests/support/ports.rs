//! Reserved ports, for servers that a test starts as processes, and for tests of a port that nobody listens on.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of this machine that the system gives to nobody else, even while no server listens on it.
///
/// The socket that holds it never listens, so a server that sets SO_REUSEADDR, as every server here does, can bind the
/// port.
pub struct ReservedPort(Socket);

impl ReservedPort {
    pub fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        Self(socket)
    }

    pub fn number(&self) -> u16 {
        self.0.local_addr().unwrap().as_socket().unwrap().port()
    }
}
