//! Other processes of the same benchmark program: the server to compare with, or the stand-in behind the servers.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use tokio::net::TcpListener;
use url::Url;

use super::process::Process;

/// Starts this program again in another role, and waits until it prints the URL at which it listens.
pub fn start_role(arguments: &[&str]) -> (Process, Url) {
    let program = env::current_exe().expect("this program has a path");
    let mut process = Process::start(Command::new(program).args(arguments).stdout(Stdio::piped()));
    let mut line = String::new();
    let output = process.0.stdout.take().expect("it was asked for");
    BufReader::new(output).read_line(&mut line).expect("it says where it listens");
    (process, line.trim().parse().expect("a URL"))
}

/// Prints and returns the URL at which this process listens.
pub fn announce(listener: &TcpListener) -> Url {
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    println!("{url}");
    url.parse().expect("a URL")
}
