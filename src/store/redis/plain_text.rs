//! Asks a server in plain text why the Redis client failed.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::store::{
    ServerMessage, StoreError, StoreLocation, UnavailableReason,
    redis::connection::{Connection, Transport},
};

const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
const LENGTH: usize = 256;

/// Replaces the failure by its cause, if the Redis client cannot see that: a server without TLS waits for the rest of the
/// TLS handshake, and one may refuse a connection while the client is still writing.
pub(super) async fn explain(connection: &Connection, failure: StoreError) -> StoreError {
    let StoreError::Unavailable { at, reason, .. } = &failure else { return failure };
    let at = at.clone();
    match (connection.transport(), reason) {
        (Transport::Tls, UnavailableReason::TimedOut) => match answer(&at, b"PING\r\n").await {
            Some(said) if said.starts_with(['+', '-']) => StoreError::NoTls { at },
            _ => failure,
        },
        (Transport::Plain, UnavailableReason::Disconnected) => match answer(&at, b"").await {
            Some(said) if said.starts_with("-ERR max number of clients") => {
                StoreError::Unavailable { at, reason: UnavailableReason::TooManyClients, source: None }
            }
            // Such as "-DENIED Redis is running in protected mode".
            Some(said) if said.starts_with('-') => StoreError::Redis { at, source: ServerMessage::new(&said.trim()) },
            _ => failure,
        },
        _ => failure,
    }
}

async fn answer(at: &StoreLocation, request: &[u8]) -> Option<String> {
    let StoreLocation::Redis { host, port, .. } = at else { return None };
    let ask = async {
        let mut stream = TcpStream::connect((host.as_str(), *port)).await?;
        stream.write_all(request).await?;
        let mut said = vec![0; LENGTH];
        let length = stream.read(&mut said).await?;
        said.truncate(length);
        std::io::Result::Ok(said)
    };
    let said = timeout(RESPONSE_TIMEOUT, ask).await.ok()?.ok()?;
    Some(String::from_utf8_lossy(&said).into_owned())
}
