//! A Redis for one measurement.

use std::{
    net::Ipv4Addr,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::support::{free_port, process::Process};

pub struct RedisServer {
    pub process: Process,
    pub url: String,
    _folder: TempDir,
}

impl RedisServer {
    pub async fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a temporary folder"), free_port().await);
        let process = Process::start(
            Command::new("redis-server")
                .args(["--port", &port.to_string(), "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"])
                .current_dir(folder.path())
                .stdout(Stdio::null()),
        );
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { process, url: format!("redis://127.0.0.1:{port}"), _folder: folder }
    }

    /// What it has done so far.
    pub async fn counts(&self) -> Counts {
        let client = redis::Client::open(self.url.as_str()).expect("a URL");
        let mut connection = client.get_multiplexed_async_connection().await.expect("it answers");
        let stats: String = redis::cmd("INFO").arg("stats").query_async(&mut connection).await.expect("it answers");
        let count = |name: &str| -> f64 {
            let count = stats.lines().find_map(|line| line.strip_prefix(name));
            count.expect("a count").trim().parse().expect("a number")
        };
        Counts { commands: count("total_commands_processed:"), reads: count("total_reads_processed:") }
    }
}

#[derive(Clone, Copy)]
pub struct Counts {
    /// Commands executed, those within scripts too.
    pub commands: f64,
    /// Reads from connections. Each takes all requests that wait.
    pub reads: f64,
}
