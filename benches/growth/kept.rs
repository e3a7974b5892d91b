//! How kept connections affect a start, a lookup right after a login, a scrape, and memory.

use std::{fs, time::Duration};

use tempfile::TempDir;
use url::Url;

use super::{
    API_KEY, SECRET,
    chart::{Chart, Line, Scale},
    redis_server::RedisServer,
    seed,
    support::{
        app::App,
        browser::{Browser, Site},
        client, free_port, median, millis, standin, stopwatch,
    },
};

const ROUNDS: usize = 9;

/// The user who logs in.
const VISITOR: usize = 0;

#[derive(Clone, Copy)]
enum Backend {
    Sqlite,
    Redis,
}

/// What was measured with so many connections.
struct Measured {
    start: f64,
    lookup: f64,
    scrape: f64,
    resident: f64,
}

/// A value of [`Measured`], for one chart.
type Part = fn(&Measured) -> f64;

pub async fn run(numbers: &[usize]) -> Vec<(&'static str, Chart)> {
    println!("store  | connections | start ms | lookup after a login ms | scrape ms | resident MiB");
    let mut curves = Vec::new();
    for (name, backend) in [("SQLite", Backend::Sqlite), ("Redis", Backend::Redis)] {
        let mut points = Vec::new();
        for &connections in numbers {
            let Measured { start, lookup, scrape, resident } = measure(backend, connections).await;
            println!("{name:6} | {connections:11} | {start:8.1} | {lookup:23.2} | {scrape:9.2} | {resident:12.1}");
            points.push((connections, Measured { start, lookup, scrape, resident }));
        }
        curves.push((name, points));
    }
    let charts: [(_, _, _, Part); 4] = [
        ("kept-lookup", "Lookup right after a login", "milliseconds", |measured| measured.lookup),
        ("kept-scrape", "Scrape of /metrics", "milliseconds", |measured| measured.scrape),
        ("kept-start", "Start until it listens", "milliseconds", |measured| measured.start),
        ("kept-memory", "Resident memory", "MiB", |measured| measured.resident),
    ];
    charts
        .into_iter()
        .map(|(file, title, unit, part)| {
            let line = |(name, points): &(&'static str, Vec<(usize, Measured)>)| Line {
                name,
                points: points.iter().map(|(connections, measured)| (*connections, part(measured))).collect(),
            };
            let lines = curves.iter().map(line).collect();
            (file, Chart { title, unit, things: "kept connections", scale: Scale::Logarithmic, lines })
        })
        .collect()
}

async fn measure(backend: Backend, connections: usize) -> Measured {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let provider = standin::spawn().await;
    let rows = seed::rows(SECRET, &provider, connections);
    let (_server, store) = match backend {
        Backend::Sqlite => {
            seed::sqlite(&folder.path().join("store.db"), &rows);
            (None, "sqlite://store.db".to_owned())
        }
        Backend::Redis => {
            let server = RedisServer::start().await;
            seed::redis(&server.url, &rows).await;
            let url = server.url.clone();
            (Some(server), url)
        }
    };
    drop(rows);
    let users: Vec<_> = (0..connections).map(seed::user).collect();
    let allowed = format!("ALLOWED_USERS={}@example.com,{}\n", standin::user(VISITOR), users.join(","));
    fs::write(folder.path().join(".env"), allowed).expect("the folder is ours");

    // The first start brings the store to this version, as after an update. The second one is like every later start.
    // The request after each start waits until the program has fully started.
    let first = start(&folder, &provider, &store).await;
    time_to_get(&first, &format!("/api/token?user={}", users[0])).await;
    drop(first);
    let began = stopwatch();
    let app = start(&folder, &provider, &store).await;
    let started = began.elapsed();
    time_to_get(&app, &format!("/api/token?user={}", users[0])).await;
    let (mut lookups, mut scrapes) = (Vec::new(), Vec::new());
    let site = Site::new(&app.url, "/auth/videoask");
    for round in 0..ROUNDS {
        Browser::new(VISITOR).log_in(&site).await.expect("a login");
        lookups.push(time_to_get(&app, &format!("/api/token?user={}", users[round % users.len()])).await);
        scrapes.push(time_to_get(&app, "/metrics").await);
    }
    Measured {
        start: millis(started),
        lookup: millis(median(lookups)),
        scrape: millis(median(scrapes)),
        resident: app.resident(),
    }
}

async fn start(folder: &TempDir, provider: &Url, store: &str) -> App {
    App::start(folder.path(), free_port().await, provider, &[("STORE_URL", store), ("API_KEY", API_KEY)]).await
}

/// How long a GET takes, on a new connection, until the end of the response.
async fn time_to_get(app: &App, path: &str) -> Duration {
    let request = client().get(app.url.join(path).expect("a URL")).bearer_auth(API_KEY);
    let began = stopwatch();
    let response = request.send().await.and_then(reqwest::Response::error_for_status).expect("it answers");
    response.bytes().await.expect("whole");
    began.elapsed()
}
