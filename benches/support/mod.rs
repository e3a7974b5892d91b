//! What the benchmarks share: processes such as the release binary, a stand-in, and users who log in.

pub mod app;
pub mod browser;
pub mod process;
pub mod role;
pub mod standin;
pub mod visitor;

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use reqwest::{Client, redirect::Policy};
use time::OffsetDateTime;
use tokio::net::TcpListener;

/// A free port, for a process that must be told its port when it starts.
pub async fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own clock")]
pub fn stopwatch() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own client")]
pub fn client() -> Client {
    // An error means that the process already has a default provider, which works too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client")
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
