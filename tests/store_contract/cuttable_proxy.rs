//! A TCP proxy to a Redis that can cut a connection after a command was carried out, before its reply returns.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use videoask_auth::config::StoreUrl;

use super::Redis;

pub struct CuttableProxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cuts: AtomicBool,
    forwarded: AtomicUsize,
}

impl CuttableProxy {
    pub async fn to(server: &Redis) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let address = server.name().trim_start_matches("Redis at ").to_owned();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, address.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    pub fn url(&self) -> StoreUrl {
        StoreUrl::Redis(format!("redis://127.0.0.1:{}", self.port).into())
    }

    /// From now on, cuts each connection after its first read or script, before the reply.
    pub fn cut_after_each(&self) {
        self.state.cuts.store(true, Ordering::SeqCst);
    }

    pub fn repair(&self) {
        self.state.cuts.store(false, Ordering::SeqCst);
    }

    /// How many reads and scripts have been sent to the server since the last call.
    pub fn forwarded(&self) -> usize {
        self.state.forwarded.swap(0, Ordering::SeqCst)
    }
}

/// Forwards one connection until either side closes it or it is cut.
async fn forward(mut client: TcpStream, address: String, state: Arc<State>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(address).await?;
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            length = client.read(&mut request) => {
                let request = &request[..length?];
                server.write_all(request).await?;
                if is_ours(request) {
                    state.forwarded.fetch_add(1, Ordering::SeqCst);
                    if state.cuts.load(Ordering::SeqCst) {
                        // When the server replies, it has carried the command out.
                        return server.read(&mut answer).await.map(drop);
                    }
                }
                if request.is_empty() {
                    return Ok(());
                }
            }
            length = server.read(&mut answer) => {
                let length = length?;
                client.write_all(&answer[..length]).await?;
                if length == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// Whether this is a read or a script, and not a command that the client library sends when it connects.
fn is_ours(request: &[u8]) -> bool {
    [&b"EVALSHA"[..], b"HMGET"].iter().any(|name| request.windows(name.len()).any(|part| part == *name))
}
