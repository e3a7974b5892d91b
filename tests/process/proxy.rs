//! The proxy of the real program: memory for large bodies, and a response in flight at SIGTERM.

use std::fs;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::{Body, Method, RequestBuilder};

use crate::support::{Deployment, Server, browser};

const KEY: &str = "key-0123456789abcdef0123456789abcdef";
const MIB: u64 = 1 << 20;
/// 32 times what the memory may grow by.
const LARGE: u64 = 256 * MIB;

impl Deployment {
    /// A deployment in keep mode with an API key, where Ada is connected.
    async fn for_machines() -> Self {
        let deployment = Self::keeping().set("API_KEY", KEY);
        deployment.connect("ada@example.com").await;
        deployment
    }
}

impl Server {
    fn machine(&self, method: Method, path: &str) -> RequestBuilder {
        browser::client().request(method, self.url.join(path).unwrap()).bearer_auth(KEY)
    }

    /// The peak of its memory, in bytes.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells the peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }
}

#[tokio::test]
async fn a_large_body_passes_either_way_and_leaves_no_trace_in_memory() {
    let deployment = Deployment::for_machines().await;
    let server = deployment.serve();
    let small = server.machine(Method::POST, "/proxy/echo").body(vec![0; 1 << 20]).send().await.unwrap();
    assert_eq!(small.status(), 200);
    let before = server.peak();

    let answer = server.machine(Method::GET, &format!("/proxy/streams/zeros/{LARGE}")).send().await.unwrap();
    let mut came = 0;
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        came += chunk.unwrap().len() as u64;
    }
    assert_eq!(came, LARGE);

    let mebibyte = Bytes::from(vec![b'x'; 1 << 20]);
    let chunks = stream::iter((0..LARGE / MIB).map(move |_| Ok::<_, std::io::Error>(mebibyte.clone())));
    let upload = server.machine(Method::PUT, "/proxy/echo").body(Body::wrap_stream(chunks)).send().await.unwrap();
    let seen: serde_json::Value = serde_json::from_slice(&upload.bytes().await.unwrap()).unwrap();
    assert_eq!(seen["body"]["length"], LARGE);

    let grown = server.peak().saturating_sub(before);
    assert!(grown < 8 * MIB, "the peak grew by {} MiB", grown / MIB);
    assert_eq!(server.stop().code, Some(0));
}

#[tokio::test]
async fn a_signal_lets_an_answer_under_way_come_to_its_end() {
    let deployment = Deployment::for_machines().await;
    let server = deployment.serve();
    let answer = server.machine(Method::GET, &format!("/proxy/streams/zeros/{}", 64 * MIB)).send().await.unwrap();
    server.program.signal("TERM");
    assert_eq!(answer.bytes().await.unwrap().len() as u64, 64 * MIB);
    assert_eq!(server.program.finish().code, Some(0));
}
