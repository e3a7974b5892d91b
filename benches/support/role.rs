//! Other processes of the same program: what a benchmark compares with, or what stands behind both.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use tokio::net::TcpListener;
use url::Url;

use super::process::Process;

/// Starts this program once more in another role, and waits until it says where it listens.
pub fn start_role(arguments: &[&str]) -> (Process, Url) {
    let program = env::current_exe().expect("this program has a path");
    let mut process = Process::start(Command::new(program).args(arguments).stdout(Stdio::piped()));
    let mut line = String::new();
    let output = process.0.stdout.take().expect("it was asked for");
    BufReader::new(output).read_line(&mut line).expect("it says where it listens");
    (process, line.trim().parse().expect("a URL"))
}

/// Says where this process listens.
pub fn announce(listener: &TcpListener) -> Url {
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    println!("{url}");
    url.parse().expect("a URL")
}
