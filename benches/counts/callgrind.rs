//! The app below valgrind's callgrind, which counts its instructions.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tokio::net::TcpStream;
use url::Url;

use super::support::{
    app::{App, program},
    process::Process,
    stopwatch,
};

const OUTPUT: &str = "callgrind.out";

pub struct Callgrind {
    process: Process,
    output: PathBuf,
}

impl Callgrind {
    /// Starts the app as `App::start` does, and waits until it listens.
    pub async fn start(folder: &Path, port: u16, provider: &Url, variables: &[(&str, &str)]) -> Self {
        let output = folder.join(OUTPUT);
        let app = program(folder, &App::url(port), provider);
        let environment = app.get_envs().filter_map(|(name, value)| Some((name, value?)));
        // On one processor, the server has one worker thread.
        let mut command = Command::new("taskset");
        command
            .args(["--cpu-list", "0", "valgrind"])
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", output.display()))
            .arg(app.get_program())
            .current_dir(folder)
            .env_clear()
            .envs(environment)
            .env("PORT", port.to_string())
            .envs(variables.iter().copied())
            .stdout(Stdio::null());
        let (process, began) = (Process::start(&mut command), stopwatch());
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "the server starts");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { process, output }
    }

    /// The instructions since the last call, or since the start.
    pub fn count(&self) -> u64 {
        let dumped = Command::new("vgdb")
            .args([&format!("--pid={}", self.process.0.id()), "dump"])
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(dumped.is_ok_and(|status| status.success()), "vgdb, which comes with valgrind, reaches the server");
        let folder = self.output.parent().expect("a folder");
        let files = fs::read_dir(folder).expect("the folder is ours").map(|entry| entry.expect("readable").path());
        let dumps = files.filter(|path| path.to_string_lossy().contains(OUTPUT));
        dumps.filter_map(|path| total(&path)).sum()
    }
}

/// Reads and removes a dump. The file for the end of the process is there from the start, and empty.
fn total(path: &Path) -> Option<u64> {
    let dump = fs::read_to_string(path).expect("it is readable");
    let total = dump.lines().find_map(|line| line.strip_prefix("totals: "))?;
    fs::remove_file(path).expect("the folder is ours");
    Some(total.trim().parse().expect("a number"))
}
