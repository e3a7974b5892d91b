//! What grows with the number of kept connections: the release binary on a SQLite file and on a Redis that hold many.
//!
//! `cargo bench --bench growth -- 1 1000 10000 100000` prints, for each number: the time of a start, of the first lookup
//! (which indexes what an earlier version wrote), of a lookup right after a login and of a scrape (medians of
//! [`ROUNDS`]), and the memory in the end. `BEFORE=/path/to/another/binary` measures that one too, on equal stores.

mod seed;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod support;

use std::{env, fs, net::Ipv4Addr, path::Path, process::Command, sync::Arc, time::Duration};

use ::standin::{Options, StandIn};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use support::{
    app::{App, BINARY, CALLBACK},
    client, free_port, now,
    process::Process,
    stopwatch,
    visitor::Visitor,
};

const ROUNDS: usize = 9;
const API_KEY: &str = "growth-benchmark-api-key-0123456789";
const SECRET: &str = "benchmark-express-session-0123456789";

#[derive(Clone, Copy)]
enum Backend {
    Sqlite,
    Redis,
}

#[tokio::main]
async fn main() {
    let numbers: Vec<usize> = env::args().skip(1).filter_map(|number| number.parse().ok()).collect();
    let numbers = if numbers.is_empty() { vec![1, 1_000, 10_000, 100_000] } else { numbers };
    #[expect(clippy::disallowed_methods, reason = "a benchmark is not the program")]
    let before = env::var("BEFORE").ok();
    let binaries: Vec<_> = before.iter().map(|path| ("before", path.as_str())).chain([("after", BINARY)]).collect();
    println!("store   binary  connections | start ms | first ms | lookup ms | scrape ms | resident MiB");
    for (name, backend) in [("sqlite", Backend::Sqlite), ("redis", Backend::Redis)] {
        for &connections in &numbers {
            for (which, binary) in &binaries {
                print!("{name:7} {which:7} {connections:11} | ");
                measure(backend, connections, binary).await;
            }
        }
    }
}

async fn measure(backend: Backend, connections: usize, binary: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port().await;
    let standin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let provider: Url = format!("http://{}", standin.local_addr().expect("an address")).parse().expect("a URL");
    let options = Options::new(format!("{}{CALLBACK}", App::url(port)), Arc::new(now));
    let serving = tokio::spawn(StandIn::new(options, provider.clone()).serve(standin, std::future::pending()));
    let rows = seed::rows(SECRET, &provider, connections);
    let (_server, store) = match backend {
        Backend::Sqlite => {
            seed::sqlite(&folder.path().join("store.db"), &rows);
            (None, "sqlite://store.db".to_owned())
        }
        Backend::Redis => {
            let (server, url) = redis_server(&folder).await;
            seed::redis(&url, &rows).await;
            (Some(server), url)
        }
    };
    let users: Vec<_> = (0..connections).map(seed::user).collect();
    fs::write(folder.path().join(".env"), format!("ALLOWED_USERS=ada@example.com,{}\n", users.join(",")))
        .expect("it is written");

    // Once to get ready, as after an update; then as every later start.
    drop(start(binary, folder.path(), port, &provider, &store).await);
    let began = stopwatch();
    let process = start(binary, folder.path(), port, &provider, &store).await;
    let started = began.elapsed();
    let app = App::url(port);
    let first = get(&app, &format!("/api/token?user={}", users[0])).await;
    let (mut lookups, mut scrapes) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        Visitor::new().log_in(&app).await;
        lookups.push(get(&app, &format!("/api/token?user={}", users[round % users.len()])).await);
        scrapes.push(get(&app, "/metrics").await);
    }
    println!(
        "{:8.1} | {:8.1} | {:9.2} | {:9.2} | {:6.1}",
        millis(started),
        millis(first),
        millis(median(lookups)),
        millis(median(scrapes)),
        process.resident(),
    );
    serving.abort();
}

async fn start(binary: &str, folder: &Path, port: u16, provider: &Url, store: &str) -> Process {
    let process = Process::start(
        Command::new(binary)
            .current_dir(folder)
            .env_clear()
            .envs([
                ("CLIENT_ID", seed::CLIENT_ID),
                ("CLIENT_SECRET", "demo-client-secret"),
                ("EXPRESS_SESSION", SECRET),
                ("AUDIENCE", "https://api.videoask.com/"),
                ("API_KEY", API_KEY),
                ("RUST_LOG", "error"),
                ("STORE_URL", store),
                ("PORT", &port.to_string()),
                ("APP_URL", App::url(port).as_str()),
                ("VIDEOASK_AUTH_URL", provider.as_str()),
                ("VIDEOASK_API_URL", provider.as_str()),
            ])
            .stdout(std::process::Stdio::null()),
    );
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    process
}

async fn redis_server(folder: &TempDir) -> (Process, String) {
    let port = free_port().await;
    let server = Process::start(
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", "", "--appendonly", "yes", "--appendfsync", "no"])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::null()),
    );
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (server, format!("redis://127.0.0.1:{port}"))
}

/// The time to the end of the response.
async fn get(app: &Url, path: &str) -> Duration {
    let request = client().get(app.join(path).expect("a URL")).bearer_auth(API_KEY);
    let began = stopwatch();
    let response = request.send().await.expect("it answers");
    assert_eq!(response.status(), 200, "{path}");
    response.bytes().await.expect("whole");
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
