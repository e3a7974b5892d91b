//! Clients that send slowly, or too much, and never finish.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use reqwest::{Client, Response};
use serde_json::Value;

use crate::support::{Deployment, Server, browser, until};

const KEY: &str = "key-0123456789abcdef0123456789abcdef";
const HALF: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n";
const MIB: u64 = 1 << 20;

impl Server {
    /// A connection that has sent these bytes.
    fn sent(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.url.port().unwrap())).unwrap();
        // An error means that the server has closed the connection already.
        let _ = stream.write_all(bytes);
        stream
    }

    async fn asked(&self, client: &Client, path: &str) -> Response {
        client.get(self.url.join(path).unwrap()).bearer_auth(KEY).send().await.unwrap()
    }

    /// The memory that it uses, in bytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// The clients whose connections it has accepted and not closed.
    fn accepted(&self) -> BTreeSet<String> {
        let port = format!(":{:04X}", self.url.port().unwrap());
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
        // `01` is an established connection. The inode is 0 while a connection is still in the listen queue.
        let accepted = rows.filter(|row| row[1].ends_with(&port) && row[3] == "01" && row[9] != "0");
        accepted.map(|row| row[2].to_owned()).collect()
    }

    /// How many connections are open at the same time. The kernel does not write its table at one moment, so a
    /// connection counts only if it is in two tables, one read after the other.
    fn open_at_once(&self) -> usize {
        self.accepted().intersection(&self.accepted()).count()
    }

    fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.program.id())).unwrap().count()
    }
}

#[tokio::test]
async fn half_sent_heads_leave_files_for_the_store_and_videoask() {
    let deployment = Deployment::keeping().set("API_KEY", KEY);
    deployment.connect("ada@example.com").await;
    let server = deployment.serve_with_file_limit(64);
    let client = keeping_its_connection();
    let token: Value = json(server.asked(&client, "/api/token").await).await;

    let slow: Vec<TcpStream> = (0..70).map(|_| server.sent(HALF)).collect();
    until("it has accepted as many as it may", || (server.open_files() >= 40).then_some(()));
    // This request uses the connection that the client opened before.
    assert_eq!(json(server.asked(&client, "/readyz").await).await["status"], "ready", "store and keeper work");
    let refused = serde_json::json!({ "refused": token["access_token"] });
    let url = server.url.join("/api/token").unwrap();
    let second = client.post(url).bearer_auth(KEY).json(&refused).send().await.unwrap();
    assert_ne!(json(second).await["access_token"], token["access_token"], "VideoAsk can be reached");
    assert!(server.open_files() <= 64 - 8, "{} files are open", server.open_files());

    drop(slow);
    let readiness = json(server.asked(&browser::client(), "/readyz").await).await;
    assert_eq!(readiness["status"], "ready");
    let stopped = server.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(!stopped.stderr.contains("ERROR"), "{stopped:?}");
}

#[expect(clippy::disallowed_methods, reason = "the test's own client, which is no part of the program")]
fn keeping_its_connection() -> Client {
    browser::client();
    Client::builder().no_proxy().build().expect("a client without certificates of its own can be built")
}

async fn json(response: Response) -> Value {
    let body = response.bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&body)))
}

#[tokio::test]
async fn max_connections_is_the_most_that_are_open() {
    let deployment = Deployment::new().set("MAX_CONNECTIONS", "2");
    let server = deployment.serve();
    let slow: Vec<TcpStream> = (0..5).map(|_| server.sent(HALF)).collect();
    // This request is the last in the listen queue: it is answered after all connections before it were accepted and
    // closed.
    let browser = server.browser();
    let asking = tokio::spawn(async move { browser.get("/healthz").await.status });
    let most_are_two = || {
        let open = server.open_at_once();
        assert!(open <= 2, "{open} are open");
        open == 2
    };
    until("two are accepted", || most_are_two().then_some(()));
    drop(slow);
    while !asking.is_finished() {
        most_are_two();
        tokio::task::yield_now().await;
    }
    assert_eq!(asking.await.unwrap(), 200);
}

#[tokio::test]
async fn more_connections_than_files_are_a_warning() {
    let server = Deployment::new().set("MAX_CONNECTIONS", "100").serve_with_file_limit(64);
    let stopped = server.stop();
    assert!(stopped.stderr.contains("MAX_CONNECTIONS is 100, but the file limit allows"), "{stopped:?}");
}

#[tokio::test]
async fn heads_without_an_end_leave_no_trace_in_memory() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    assert_eq!(server.browser().get("/healthz").await.status, 200);
    let before = server.memory();
    let head = [HALF, b"X: ", &vec![b'x'; 380 * 1024]].concat();
    let mut endless: Vec<TcpStream> = (0..300).map(|_| server.sent(&head)).collect();
    for stream in &mut endless {
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        // The response is lost if the reset of the connection arrives before it is read.
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&answer));
    }
    drop(endless);
    assert_eq!(server.browser().get("/healthz").await.status, 200);
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 24 * MIB, "it grew by {} MiB", grown / MIB);
    println!("memory: {} KiB before, {} KiB after", before / 1024, (before + grown) / 1024);
}

#[test]
fn a_half_sent_head_does_not_delay_a_stop() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let _slow = (server.sent(HALF), server.sent(b""));
    until("both are accepted", || (server.accepted().len() == 2).then_some(()));
    let stopped = server.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert!(!stopped.stderr.contains("cut"), "{stopped:?}");
}
