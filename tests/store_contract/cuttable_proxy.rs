//! A wire to a Redis that can be cut when a command has gone through, before its answer comes back.

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

    /// From now on each read or script that is carried is the last on its connection.
    pub fn cut_after_each(&self) {
        self.state.cuts.store(true, Ordering::SeqCst);
    }

    pub fn repair(&self) {
        self.state.cuts.store(false, Ordering::SeqCst);
    }

    /// How many reads and scripts have reached the server since the last time this was asked.
    pub fn forwarded(&self) -> usize {
        self.state.forwarded.swap(0, Ordering::SeqCst)
    }
}

/// Ends with either side, or at a cut.
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
                        // The server has done it once it answers.
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

/// What the client says by itself when it connects is neither.
fn is_ours(request: &[u8]) -> bool {
    [&b"EVALSHA"[..], b"HMGET"].iter().any(|name| request.windows(name.len()).any(|part| part == *name))
}
