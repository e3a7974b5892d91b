//! What a login costs: the release binary on a SQLite file, before a stand-in in this process.
//!
//! `cargo bench --bench logins` prints start-up time, resident memory before and after, and the server's own CPU time
//! for 1,000 whole logins (home, start, callback, token page). CPU time is the server's alone, from `/proc`.

use std::{
    fs,
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Client, Response, header, redirect::Policy};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use url::Url;
use videoask_auth::standin::{Options, StandIn};

const LOGINS: u32 = 5_000;
const AT_ONCE: u32 = 8;
/// Linux counts CPU time in hundredths of a second for every process to read.
const TICKS_PER_SECOND: f64 = 100.0;

#[tokio::main]
async fn main() {
    let standin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let provider = format!("http://{}", standin.local_addr().expect("an address"));
    let port = free_port().await;
    let app: Url = format!("http://localhost:{port}").parse().expect("a URL");
    let options = Options::new(format!("{app}auth/videoask/callback"), Arc::new(now));
    let provider_url = provider.parse().expect("a URL");
    tokio::spawn(StandIn::new(options, provider_url).serve(standin, std::future::pending()));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let began = stopwatch();
    let server = Server::start(&folder, port, &provider);
    let ready = server.ready(port, began).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("start to ready      {:8.1} ms", ready.as_secs_f64() * 1000.0);
    println!("binary              {:8.2} MiB", mebibytes(fs::metadata(BINARY).expect("the binary").len()));
    println!("resident, idle      {:8.2} MiB", server.resident());

    let before = server.cpu();
    let began = stopwatch();
    let workers: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(log_in_repeatedly(app.clone()))).collect();
    for worker in workers {
        worker.await.expect("every login succeeds");
    }
    println!("{LOGINS} logins        {:8.2} s", began.elapsed().as_secs_f64());
    let after = server.cpu();
    let a_thousand = |cpu: f64| cpu / f64::from(LOGINS) * 1000.0;
    let (user, system) = (a_thousand(after.0 - before.0), a_thousand(after.1 - before.1));
    println!("CPU a 1,000 logins  {:8.3} s (user {user:.3}, system {system:.3})", user + system);
    println!("resident, after     {:8.2} MiB", server.resident());
}

const BINARY: &str = env!("CARGO_BIN_EXE_videoask-auth");

struct Server(Child);

impl Server {
    fn start(folder: &tempfile::TempDir, port: u16, provider: &str) -> Self {
        let server = Command::new(BINARY)
            .current_dir(folder.path())
            .env_clear()
            .envs([
                ("CLIENT_ID", "demo-client-id"),
                ("CLIENT_SECRET", "demo-client-secret"),
                ("EXPRESS_SESSION", "benchmark-express-session-0123456789"),
                ("AUDIENCE", "https://api.videoask.com/"),
                ("RUST_LOG", "warn"),
            ])
            .env("APP_URL", format!("http://localhost:{port}"))
            .env("PORT", port.to_string())
            .env("VIDEOASK_AUTH_URL", provider)
            .env("VIDEOASK_API_URL", provider)
            .stdout(Stdio::null())
            .spawn();
        Self(server.expect("the binary runs"))
    }

    async fn ready(&self, port: u16, began: Instant) -> Duration {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "the server starts");
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        began.elapsed()
    }

    /// Seconds in the program and in the kernel on its behalf.
    fn cpu(&self) -> (f64, f64) {
        let stat = self.proc("stat");
        // The name in brackets may hold spaces; user and system time are the 12th and 13th field behind it.
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        let mut ticks = fields.split_whitespace().skip(11).map(|ticks| ticks.parse::<f64>().expect("a number"));
        let mut seconds = || ticks.next().expect("a field") / TICKS_PER_SECOND;
        (seconds(), seconds())
    }

    fn resident(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process");
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        mebibytes(kibibytes * 1024)
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).expect("Linux has /proc")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn log_in_repeatedly(app: Url) {
    let client = client();
    for _ in 0..LOGINS / AT_ONCE {
        log_in(&client, &app).await;
    }
}

/// One person's way: home page, off to the provider, approve, callback, token page.
async fn log_in(client: &Client, app: &Url) {
    let get = |url: Url, cookie: String| client.get(url).header(header::COOKIE, cookie).send();
    get(app.clone(), String::new()).await.expect("the home page").bytes().await.expect("whole");
    let start = get(app.join("/auth/videoask").expect("a URL"), String::new()).await.expect("the way there");
    let approval = client
        .post(location(&start))
        .form(&[("user", "ada@example.com"), ("decision", "approve")])
        .send()
        .await
        .expect("the provider answers");
    let callback = get(location(&approval), cookies(&start)).await.expect("the way back");
    let tokens = get(app.join("/tokens").expect("a URL"), cookies(&callback)).await.expect("the token page");
    assert_eq!(tokens.status(), 200);
    assert!(tokens.text().await.expect("whole").contains("id=\"access-token\""));
}

fn location(response: &Response) -> Url {
    let location = response.headers().get(header::LOCATION).expect("a redirect").to_str().expect("ASCII");
    response.url().join(location).expect("a URL")
}

fn cookies(response: &Response) -> String {
    let set = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let pairs: Vec<_> = set.filter_map(|cookie| cookie.split(';').next()).collect();
    pairs.join("; ")
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own clock")]
fn stopwatch() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own client")]
fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client")
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
