//! The memory of open, idle HTTP connections, and how much of it is given back when they close.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    API_KEY,
    chart::{Chart, Line, Scale},
    support::{
        app::App,
        browser::{Browser, Site},
        free_port, standin,
    },
};

/// A limit above the number of connections that are measured.
const LIMIT: &str = "20000";
/// How long after all connections were closed memory is measured again.
const AFTERWARDS: Duration = Duration::from_secs(30);

/// Resident memory in MiB.
struct Measured {
    before: f64,
    open: f64,
    closed: f64,
}

pub async fn run(numbers: &[usize]) -> Vec<(&'static str, Chart)> {
    println!(
        "\nopen connections | resident MiB before | open | kB each | {} s after they closed",
        AFTERWARDS.as_secs()
    );
    let (mut open_line, mut closed_line) = (Vec::new(), Vec::new());
    for &connections in numbers {
        let Measured { before, open, closed } = measure(connections).await;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 connections")]
        let each = (open - before) * 1024.0 / connections as f64;
        println!("{connections:16} | {before:19.1} | {open:4.1} | {each:7.1} | {closed:.1}");
        open_line.push((connections, open));
        closed_line.push((connections, closed));
    }
    let lines = vec![Line { name: "open", points: open_line }, Line { name: "closed", points: closed_line }];
    let (title, things) = ("Resident memory", "open HTTP connections");
    vec![("open", Chart { title, unit: "MiB", things, scale: Scale::Logarithmic, lines })]
}

async fn measure(connections: usize) -> Measured {
    let (folder, port) = (tempfile::tempdir().expect("a temporary folder"), free_port().await);
    let user = format!("{}@example.com", standin::user(0));
    let variables = [("API_KEY", API_KEY), ("ALLOWED_USERS", &*user), ("MAX_CONNECTIONS", LIMIT)];
    let app = App::start(folder.path(), port, &standin::spawn().await, &variables).await;
    Browser::new(0).log_in(&Site::new(&app.url, "/auth/videoask")).await.expect("a login");
    let before = app.resident();
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(ask(port).await);
    }
    let resident = app.resident();
    drop(open);
    tokio::time::sleep(AFTERWARDS).await;
    Measured { before, open: resident, closed: app.resident() }
}

/// Opens a connection, and reads one response from it.
async fn ask(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("it accepts");
    let request = format!("GET /api/token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {API_KEY}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut response = [0; 4096];
    let length = stream.read(&mut response).await.expect("it answers");
    assert!(response[..length].starts_with(b"HTTP/1.1 200"), "a token");
    stream
}
