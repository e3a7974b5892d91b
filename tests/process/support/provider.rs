use std::{
    net::{Ipv4Addr, TcpListener},
    sync::Arc,
    thread,
};

use tokio::sync::oneshot;
use url::Url;
use videoask_auth::{
    clock::Clock,
    standin::{Options, StandIn},
};

/// A stand-in on a thread of its own, so that a test may wait for a process that waits for it.
pub struct Provider {
    pub standin: StandIn,
    pub url: Url,
    _running: oneshot::Sender<()>,
}

impl Provider {
    /// Starts one that knows this callback, with the tenant set up as wanted.
    pub fn start(callback: &str, set_up: impl FnOnce(&mut Options)) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let clock = Clock::system();
        let mut options = Options::new(callback, Arc::new(move || clock.now()));
        set_up(&mut options);
        let standin = StandIn::new(options, url.clone());
        let (running, ended) = oneshot::channel();
        let serving = standin.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                // Nothing is ever sent: the sender's end is the signal.
                let ended = async { drop(ended.await) };
                serving.serve(listener, ended).await.unwrap();
            });
        });
        Self { standin, url, _running: running }
    }
}
