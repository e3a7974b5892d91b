//! Accepts connections, up to a limit, and serves them.

use std::{io, num::NonZeroUsize, sync::Arc, time::Duration};

use axum::serve::{Listener, ListenerExt};
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, getrlimit};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

use crate::{
    app::{connection, stopped},
    web::AppService,
};

/// How many connections may be open if `MAX_CONNECTIONS` is not set.
const DEFAULT_CONNECTIONS: usize = 1024;
/// The most descriptors that stay free for the store and VideoAsk.
const RESERVED: usize = 64;
/// How long a caller may read nothing, or send nothing, before the kernel checks that it is still there.
const SILENCE: Duration = Duration::from_secs(60);

/// Serves until `stopping`, and completes when every request in flight then has its response. Connections beyond
/// `limit` wait in the listen queue.
pub(super) async fn serve(
    listener: TcpListener,
    service: impl AppService,
    limit: usize,
    stopping: watch::Receiver<()>,
) {
    let mut listener = listener.tap_io(|connection| {
        // If one of these options cannot be set, everything else still works.
        let _ = set_up(connection);
    });
    let (limit, graceful) = (Arc::new(Semaphore::new(limit)), GracefulShutdown::new());
    let accept = async {
        // The semaphore is never closed.
        while let Ok(permit) = Arc::clone(&limit).acquire_owned().await {
            let (stream, _) = listener.accept().await;
            let connection = connection::serve(stream, service.clone(), graceful.watcher(), stopping.clone());
            tokio::spawn(async move {
                connection.await;
                drop(permit);
            });
        }
    };
    tokio::select! { () = accept => {} () = stopped(stopping.clone()) => {} }
    drop(listener);
    graceful.shutdown().await;
}

fn set_up(connection: &TcpStream) -> io::Result<()> {
    // Nagle's algorithm would hold back small chunks until the peer's ACK.
    connection.set_nodelay(true)?;
    let socket = SockRef::from(connection);
    // Only the kernel notices a caller that stopped reading, or that disappeared without closing the connection.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(SILENCE))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE))
}

/// How many connections may be open: as many as `MAX_CONNECTIONS` says, or what the file limit leaves if that is less.
pub(super) fn connection_limit(wanted: Option<NonZeroUsize>) -> usize {
    let file_limit = getrlimit(Resource::Nofile).current.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let open = std::fs::read_dir("/dev/fd").map_or(0, Iterator::count);
    let possible = file_limit.map_or(Semaphore::MAX_PERMITS, |limit| possible(limit, open));
    if let Some(wanted) = wanted.filter(|wanted| wanted.get() > possible) {
        tracing::warn!(
            "MAX_CONNECTIONS is {wanted}, but the file limit allows {possible} connections; raise it with `ulimit -n` \
             or systemd's LimitNOFILE"
        );
    }
    wanted.map_or(DEFAULT_CONNECTIONS, NonZeroUsize::get).min(possible)
}

/// What the file limit leaves for connections, with `open` descriptors in use before the first one.
fn possible(file_limit: usize, open: usize) -> usize {
    let reserved = (file_limit / 4).min(RESERVED);
    file_limit.saturating_sub(reserved + open).clamp(1, Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_file_limit_stays_free() {
        assert_eq!(possible(64, 12), 36);
        assert_eq!(possible(256, 12), 180);
        assert_eq!(possible(1024, 12), 948);
        assert_eq!(possible(usize::MAX, 12), Semaphore::MAX_PERMITS);
        assert_eq!(possible(8, 12), 1, "a server without a connection would be none");
    }
}
