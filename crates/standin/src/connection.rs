use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use super::StandIn;

/// A handle by which a request can close its TCP connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Connection {
    cut: Arc<AtomicBool>,
    _counted: Connections,
}

/// Counts the connections that are open, or whose request is still processed after the client closed them.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<()>);

impl Connections {
    /// How many there are. The stand-in holds one handle, which does not count.
    pub(super) fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl Connection {
    /// Makes every later write fail, so that the server closes the connection.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::SeqCst)
    }

    fn intact(&self) -> io::Result<()> {
        if self.is_cut() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// A TCP listener that counts its connections and makes them closable.
pub(super) struct CountingListener {
    pub(super) listener: TcpListener,
    pub(super) standin: StandIn,
}

pub(super) struct CuttableStream {
    stream: TcpStream,
    connection: Connection,
}

impl Listener for CountingListener {
    type Io = CuttableStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (CuttableStream, Connection) {
        let (stream, _) = Listener::accept(&mut self.listener).await;
        let connection = Connection { cut: Arc::default(), _counted: self.standin.0.connections.clone() };
        (CuttableStream { stream, connection: connection.clone() }, connection)
    }

    fn local_addr(&self) -> io::Result<Connection> {
        Ok(Connection::default())
    }
}

impl Connected<IncomingStream<'_, CountingListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, CountingListener>) -> Self {
        stream.remote_addr().clone()
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.connection.intact()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
