//! Debian's nginx as a proxy for the same requests: it sends one fixed token, and keeps its connections to the API
//! open.

use std::{
    fs,
    net::Ipv4Addr,
    ops::Deref,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;
use url::Url;

use super::support::{free_port, process::Process, stopwatch};

const CONFIGURATION: &str = "nginx.conf";

/// nginx, in the foreground, with its own configuration and folder.
pub struct Nginx {
    process: Process,
    pub url: Url,
    folder: TempDir,
}

/// Panics if nginx is missing, before anything is measured.
pub fn demand() {
    let found = command().arg("-v").stderr(Stdio::null()).status();
    assert!(found.is_ok(), "nginx is missing: on Debian, apt-get install nginx");
}

impl Nginx {
    pub async fn start(api: &Url, token: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port().await;
        let configuration = configuration(folder.path(), port, api, token);
        fs::write(folder.path().join(CONFIGURATION), configuration).expect("the folder is ours");
        let process = Process::start(&mut command_in(folder.path()));
        let began = stopwatch();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "nginx starts");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self { process, url: format!("http://localhost:{port}").parse().expect("a URL"), folder }
    }
}

impl Deref for Nginx {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // If it were killed, its workers would keep running. With `stop`, it ends them and then itself.
        let mut stop = command_in(self.folder.path());
        stop.args(["-s", "stop"]).stderr(Stdio::null());
        if stop.status().is_ok_and(|status| status.success()) {
            let _ = self.process.0.wait();
        }
    }
}

fn command_in(folder: &Path) -> Command {
    let mut command = command();
    command.arg("-p").arg(folder).arg("-c").arg(folder.join(CONFIGURATION)).args(["-e", "stderr"]);
    command
}

/// Debian installs nginx in a folder that only root's `PATH` has.
fn command() -> Command {
    const DEBIAN: &str = "/usr/sbin/nginx";
    Command::new(if Path::new(DEBIAN).exists() { DEBIAN } else { "nginx" })
}

/// Raises the limits on requests per connection, because our program has none. The responses fit into nginx's buffers,
/// so the folders for temporary files stay empty; they are set so that nginx does not use those of the system.
fn configuration(folder: &Path, port: u16, api: &Url, token: &str) -> String {
    let api = api.authority();
    let folder = folder.display();
    format!(
        "daemon off;
worker_processes auto;
pid {folder}/pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream api {{
        server {api};
        keepalive 64;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location /proxy/ {{
            proxy_pass http://api/;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Authorization \"Bearer {token}\";
        }}
    }}
}}
"
    )
}
