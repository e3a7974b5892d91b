//! nginx and Caddy, with the configurations of docs/deploy.md, TLS, and two copies of the real program behind them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    thread::{self, ScopedJoinHandle},
};

use tempfile::TempDir;

use crate::support::{Deployment, Program, certificates, nginx, ports::ReservedPort, until};

const DOCUMENT: &str = include_str!("../../docs/deploy.md");
const KEY: &str = "an-api-key-of-thirty-two-characters-or-more";
/// How many requests every client completes before the next step of the rolling restart.
const REQUESTS_PER_STEP: usize = 5;
/// How many POSTs are sent while one of two copies is stopped. nginx alternates between the copies, so some of them
/// would go to the stopped one.
const POSTS: usize = 4;

/// Which server is the reverse proxy.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Nginx,
    Caddy,
}

/// A site that is set up as docs/deploy.md says.
struct Site {
    copies: [Replica; 2],
    proxy: Proxy,
    client: Client,
    deployment: Deployment,
    _ports: [ReservedPort; 3],
    _files: TempDir,
}

struct Proxy {
    kind: Kind,
    program: Program,
}

/// One copy of the app. It keeps its port over a restart.
struct Replica {
    program: Program,
    port: u16,
}

/// curl, which trusts the site's certificate.
struct Client {
    origin: String,
    certificate: PathBuf,
    cookies: PathBuf,
}

impl Site {
    fn start(kind: Kind) -> Self {
        let (files, ports) = (TempDir::new().unwrap(), [(); 3].map(|()| ReservedPort::new()));
        let [port, one, two] = ports.each_ref().map(ReservedPort::number);
        certificates::make(files.path(), "IP:127.0.0.1");
        let origin = format!("https://127.0.0.1:{port}");
        let callback = format!("{origin}/auth/videoask/callback");
        let deployment = Deployment::before_tenant(|options| options.callbacks = vec![callback])
            .set("APP_URL", &origin)
            .set("ALLOWED_USERS", "ada@example.com")
            .set("API_KEY", KEY)
            .set("EXPRESS_SESSION", "a-session-secret-that-is-long-enough-to-keep");
        let copies = [one, two].map(|port| Replica::start(&deployment, port));
        let mut proxy = Proxy::start(kind, files.path(), [port, one, two]);
        let (certificate, cookies) = (files.path().join("ca.pem"), files.path().join("cookies"));
        let client = Client { origin, certificate, cookies };
        until("the reverse proxy", || {
            proxy.assert_runs();
            client.get("/readyz").status.success().then_some(())
        });
        Self { copies, proxy, client, deployment, _ports: ports, _files: files }
    }
}

impl Replica {
    /// Starts it and waits, as an operator does, until `/readyz` answers 200.
    fn start(deployment: &Deployment, port: u16) -> Self {
        let mut program = deployment.start(&["serve"], &[("PORT", &port.to_string())]);
        program.line(Program::stderr, "ready");
        let url = format!("http://127.0.0.1:{port}/readyz");
        until("a copy that is ready", || curl(&["--output", "/dev/null", &url]).status.success().then_some(()));
        Self { program, port }
    }

    fn stop(&mut self) {
        self.program.signal("TERM");
        assert_eq!(self.program.ended().code(), Some(0), "{}", self.program.stderr());
    }

    fn start_again(&mut self, deployment: &Deployment) {
        *self = Self::start(deployment, self.port);
    }
}

impl Client {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    fn curl(&self, arguments: &[&str]) -> Output {
        curl(&[&["--cacert", self.certificate.to_str().unwrap()], arguments].concat())
    }

    fn get(&self, path: &str) -> Output {
        self.with_key(&[&self.url(path)])
    }

    /// Posts `data` as curl names it: itself, or `@` and a file.
    fn post(&self, path: &str, data: &str) -> Output {
        self.with_key(&["--data-binary", data, &self.url(path)])
    }

    fn with_key(&self, arguments: &[&str]) -> Output {
        self.curl(&[&["--header", &format!("Authorization: Bearer {KEY}")], arguments].concat())
    }

    /// The address that the response redirects to.
    fn redirect(&self, arguments: &[&str]) -> String {
        let to = ["--output", "/dev/null", "--write-out", "%{redirect_url}"];
        text(&self.with_cookies(&[&to, arguments].concat()))
    }

    fn with_cookies(&self, arguments: &[&str]) -> Output {
        let cookies = self.cookies.to_str().unwrap();
        self.curl(&[&["--cookie", cookies, "--cookie-jar", cookies], arguments].concat())
    }

    /// A whole login, as a browser does it. Returns the token page.
    fn log_in(&self) -> String {
        let authorize = self.redirect(&[&self.url("/auth/videoask")]);
        let callback = self.redirect(&["--data", "user=ada@example.com", "--data", "decision=approve", &authorize]);
        assert!(callback.starts_with(&self.url("/auth/videoask/callback")), "{callback}");
        let tokens = self.redirect(&[&callback]);
        assert_eq!(tokens, self.url("/tokens"));
        text(&self.with_cookies(&[&tokens]))
    }
}

fn curl(arguments: &[&str]) -> Output {
    let general = ["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--max-time", "60"];
    Command::new("curl").args(general).args(arguments).output().expect("curl is installed")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Proxy {
    /// Starts it with the document's configuration, at the first of these ports, in front of copies at the others.
    fn start(kind: Kind, files: &Path, [port, one, two]: [u16; 3]) -> Self {
        let copies = [("127.0.0.1:3000", format!("127.0.0.1:{one}")), ("127.0.0.1:3001", format!("127.0.0.1:{two}"))];
        let command = match kind {
            Kind::Nginx => nginx::command(files, &nginx_site(&changed(&code_block("nginx"), &copies), files, port)),
            Kind::Caddy => caddy(&changed(&code_block("caddyfile"), &copies), files, port),
        };
        Self { kind, program: Program::start(command) }
    }

    fn assert_runs(&mut self) {
        assert!(self.program.is_running(), "{:?} ended: {}", self.kind, self.program.stderr());
    }
}

/// The document's part of nginx's configuration, with the addresses and files of this test.
fn nginx_site(documented: &str, files: &Path, port: u16) -> String {
    let here = files.display();
    let site = [
        ("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl")),
        ("server_name tokens.example.com", "server_name 127.0.0.1".to_owned()),
        ("/etc/ssl/tokens.example.com.pem", format!("{here}/certificate.pem")),
        ("/etc/ssl/tokens.example.com.key", format!("{here}/key.pem")),
    ];
    changed(documented, &site)
}

/// The command that starts Caddy with the document's part of its configuration, with the addresses and files of this
/// test.
fn caddy(documented: &str, files: &Path, port: u16) -> Command {
    let (here, file) = (files.display(), files.join("Caddyfile"));
    let site = format!("127.0.0.1:{port} {{\n\tbind 127.0.0.1\n\ttls {here}/certificate.pem {here}/key.pem");
    let server = changed(documented, &[("tokens.example.com {", site)]);
    fs::write(&file, format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{server}")).unwrap();
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.env("HOME", files).env("XDG_DATA_HOME", files).env("XDG_CONFIG_HOME", files);
    command
}

/// The document's code block in this language.
fn code_block(language: &str) -> String {
    let (_, rest) = DOCUMENT.split_once(&format!("```{language}\n")).expect("the document has one");
    rest.split_once("```").expect("it has an end").0.to_owned()
}

fn changed(text: &str, changes: &[(&str, String)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the document no longer says {from}");
        text.replace(from, to)
    })
}

#[test]
fn nginx_as_documented_passes_everything() {
    everything_passes(Kind::Nginx);
}

#[test]
fn caddy_as_documented_passes_everything() {
    everything_passes(Kind::Caddy);
}

fn everything_passes(kind: Kind) {
    let mut site = Site::start(kind);
    let page = site.client.log_in();
    assert!(page.contains("ada@example.com"), "{page}");
    an_upload_of_5_mb_passes(&site.client);
    each_piece_of_a_two_way_stream_passes_at_once(&site.client, kind);
    no_request_is_lost_while_one_copy_after_the_other_restarts(&mut site);
    site.proxy.assert_runs();
}

fn an_upload_of_5_mb_passes(client: &Client) {
    let upload = client.cookies.with_file_name("upload");
    fs::write(&upload, vec![b'x'; 5_000_000]).unwrap();
    let answer = text(&client.post("/proxy/echo", &format!("@{}", upload.display())));
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["body"]["length"], 5_000_000, "{answer}");
}

/// Sends each piece only after the one before has come back.
fn each_piece_of_a_two_way_stream_passes_at_once(client: &Client, kind: Kind) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/support/two_way.mjs");
    let protocol = match kind {
        Kind::Nginx => "h1",
        Kind::Caddy => "h2",
    };
    let mut node = Command::new("node");
    node.args([program, protocol, &client.url("/proxy/streams/back")]).env("KEY", KEY).env("CA", &client.certificate);
    let output = node.output().expect("node is installed");
    assert!(output.status.success(), "{output:?}");
}

fn no_request_is_lost_while_one_copy_after_the_other_restarts(site: &mut Site) {
    let Site { copies, proxy, client, deployment, .. } = site;
    let asked = ["/", "/api/token", "/proxy/forms"].map(|path| (path, AtomicUsize::new(0)));
    let lost: Vec<Output> = thread::scope(|scope| {
        let operator = scope.spawn(|| restart(copies, deployment, proxy, client, &asked));
        thread::scope(|scope| {
            let ask = |(path, asked)| ask_until(&operator, client, path, asked);
            let clients = asked.each_ref().map(|(path, asked)| scope.spawn(move || ask((*path, asked))));
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        })
    });
    assert!(lost.is_empty(), "{lost:?}");
}

/// Restarts one copy after the other, while every client completes requests before, between and after the steps.
fn restart(
    copies: &mut [Replica],
    deployment: &Deployment,
    proxy: &Proxy,
    client: &Client,
    asked: &[(&str, AtomicUsize)],
) {
    wait_for_requests(asked);
    for copy in copies {
        copy.stop();
        wait_for_requests(asked);
        match proxy.kind {
            Kind::Nginx => no_post_goes_to_a_stopped_copy(client),
            // docs/deploy.md: behind Caddy, such a POST may go to the stopped copy and get a 502.
            Kind::Caddy => {}
        }
        copy.start_again(deployment);
        wait_for_requests(asked);
    }
}

fn no_post_goes_to_a_stopped_copy(client: &Client) {
    for _ in 0..POSTS {
        text(&client.post("/proxy/echo", "sent once"));
    }
}

fn wait_for_requests(asked: &[(&str, AtomicUsize)]) {
    for (path, asked) in asked {
        let enough = asked.load(Ordering::Relaxed) + REQUESTS_PER_STEP;
        until(path, || (asked.load(Ordering::Relaxed) >= enough).then_some(()));
    }
}

/// Sends requests until `end` has finished, each on a new connection. Returns the responses that are not a success.
fn ask_until(end: &ScopedJoinHandle<()>, client: &Client, path: &str, asked: &AtomicUsize) -> Vec<Output> {
    let mut lost = Vec::new();
    while !end.is_finished() {
        let response = client.get(path);
        if !response.status.success() {
            lost.push(response);
        }
        asked.fetch_add(1, Ordering::Relaxed);
    }
    lost
}
