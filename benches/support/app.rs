//! The release binary on a SQLite file, ready to be measured.

use std::{
    net::Ipv4Addr,
    ops::Deref,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;
use url::Url;

use super::{process::Process, stopwatch};

pub const BINARY: &str = env!("CARGO_BIN_EXE_videoask-auth");
/// The path of the callback, below the app's URL.
pub const CALLBACK: &str = "auth/videoask/callback";

/// The program under measure, with a folder of its own for its store.
pub struct App {
    process: Process,
    pub url: Url,
    _folder: TempDir,
}

impl App {
    /// Where the app will be, so that a provider can be told before either runs.
    pub fn url(port: u16) -> Url {
        format!("http://localhost:{port}").parse().expect("a URL")
    }

    /// Starts it, and waits until it listens.
    pub async fn start(port: u16, provider: &Url, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let began = stopwatch();
        let process = Process::start(
            Command::new(BINARY)
                .current_dir(folder.path())
                .env_clear()
                .envs([
                    ("CLIENT_ID", "demo-client-id"),
                    ("CLIENT_SECRET", "demo-client-secret"),
                    ("EXPRESS_SESSION", "benchmark-express-session-0123456789"),
                    ("AUDIENCE", "https://api.videoask.com/"),
                    ("RUST_LOG", "warn"),
                ])
                .env("APP_URL", Self::url(port).as_str())
                .env("PORT", port.to_string())
                .env("VIDEOASK_AUTH_URL", provider.as_str())
                .env("VIDEOASK_API_URL", provider.as_str())
                .envs(variables.iter().copied())
                .stdout(Stdio::null()),
        );
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "the server starts");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Self { process, url: Self::url(port), _folder: folder }
    }
}

impl Deref for App {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}
