//! The release binary on a SQLite file, ready to be measured.

use std::{
    net::Ipv4Addr,
    ops::Deref,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::net::TcpStream;
use url::Url;

use super::{process::Process, stopwatch};

pub const BINARY: &str = env!("CARGO_BIN_EXE_videoask-auth");
/// The path of the callback, below the app's URL.
pub const CALLBACK: &str = "auth/videoask/callback";

/// The program that is measured.
pub struct App {
    process: Process,
    pub url: Url,
}

impl App {
    /// The URL of the app at this port. A provider can register it before the app runs.
    pub fn url(port: u16) -> Url {
        format!("http://localhost:{port}").parse().expect("a URL")
    }

    /// Starts the program with its store in this folder, and waits until it listens.
    pub async fn start(folder: &Path, port: u16, provider: &Url, variables: &[(&str, &str)]) -> Self {
        let began = stopwatch();
        let mut command = program(folder, &Self::url(port), provider);
        let process = Process::start(command.env("PORT", port.to_string()).envs(variables.iter().copied()));
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "the server starts");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Self { process, url: Self::url(port) }
    }
}

impl Deref for App {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// The command that runs the program with its variables, in the folder of its store.
pub fn program(folder: &Path, url: &Url, provider: &Url) -> Command {
    let mut command = Command::new(BINARY);
    command
        .current_dir(folder)
        .env_clear()
        .envs([
            ("CLIENT_ID", "demo-client-id"),
            ("CLIENT_SECRET", "demo-client-secret"),
            ("EXPRESS_SESSION", "benchmark-express-session-0123456789"),
            ("AUDIENCE", "https://api.videoask.com/"),
            ("RUST_LOG", "error"),
            // As in the image and the systemd unit.
            ("MIMALLOC_PURGE_DELAY", "0"),
        ])
        .env("APP_URL", url.as_str())
        .env("VIDEOASK_AUTH_URL", provider.as_str())
        .env("VIDEOASK_API_URL", provider.as_str())
        .stdout(Stdio::null());
    command
}
