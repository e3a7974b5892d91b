//! The app behind TLS on one host of `example.test`, and somebody else's page on another host.

use std::{net::Ipv4Addr, path::Path, process::Command, sync::Arc};

use reqwest::{Client, RequestBuilder, Response, header, redirect::Policy};
use standin::{Options, StandIn};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};
use url::Url;
use videoask_auth::{
    app::App,
    clock::Clock,
    config::Config,
    store::{self, IfMissing},
};

pub const APP: &str = "app.example.test";
pub const SIBLING: &str = "sibling.example.test";
/// With these flags, a browser finds both hosts on this machine, and accepts the certificate.
pub const FLAGS: [&str; 2] = ["--ignore-certificate-errors", "--host-resolver-rules=MAP *.example.test 127.0.0.1"];

pub struct Site {
    port: u16,
    /// The URL of the app itself, behind the proxy that terminates TLS.
    direct: Url,
}

/// An attacker with a browser of their own, a session in it, and a second login whose callback they did not open.
pub struct Mallory {
    pub pending: (String, String),
    pub callback: Url,
    client: Client,
    direct: Url,
}

impl Site {
    pub async fn start() -> Self {
        let (front, behind, beside) = (listen().await, listen().await, listen().await);
        let port = port_of(&front);
        let app_url = format!("https://{APP}:{port}");
        let provider = format!("http://127.0.0.1:{}", port_of(&beside));
        let pairs = [
            ("CLIENT_ID", "demo-client-id"),
            ("CLIENT_SECRET", "demo-client-secret"),
            ("APP_URL", &app_url),
            ("EXPRESS_SESSION", "test-express-session-0123456789abcdef"),
            ("STORE_URL", "memory:"),
            ("VIDEOASK_AUTH_URL", &provider),
            ("VIDEOASK_API_URL", &provider),
            ("AUDIENCE", "https://api.videoask.com/"),
        ];
        let config = Config::from_pairs(pairs).unwrap_or_else(|problems| panic!("{problems}")).config;
        let clock = Clock::system();
        let now = clock.clone();
        let options = Options::new(format!("{app_url}/auth/videoask/callback"), Arc::new(move || now.now()));
        let standin = StandIn::new(options, provider.parse().expect("the address makes a URL"));
        let store = store::open(&config.store, IfMissing::Create).await.expect("memory can always be opened").store;
        let app = App::build(config, store, clock).expect("the app can be built");
        let direct = port_of(&behind);
        tokio::spawn(standin.serve(beside, std::future::pending()));
        tokio::spawn(app.serve(behind, std::future::pending()));
        tokio::spawn(serve_both(front, direct));
        Self { port, direct: format!("http://127.0.0.1:{direct}").parse().expect("the address makes a URL") }
    }

    pub fn url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.port)
    }

    pub async fn mallory(&self) -> Mallory {
        install_tls_provider();
        #[expect(clippy::disallowed_methods, reason = "an attacker's own client, which is no part of the program")]
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().expect("it needs nothing");
        let start = self.direct.join("/auth/videoask").expect("a path");
        let started = client.get(start).send().await.expect("the app answers");
        let form = "user=mallory%40example.com&decision=approve";
        let approve = client.post(location(&started)).body(form);
        let approved = approve.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").send().await;
        let callback = location(&approved.expect("the stand-in answers"));
        Mallory { pending: cookie(&started), callback, client, direct: self.direct.clone() }
    }
}

impl Mallory {
    /// Opens the callback in Mallory's own browser, and gives the cookie of the session.
    pub async fn session(&self) -> (String, String) {
        let (name, value) = &self.pending;
        let mut callback = self.direct.join(self.callback.path()).expect("a path");
        callback.set_query(self.callback.query());
        let opened = self.client.get(callback).header(header::COOKIE, format!("{name}={value}"));
        let answer = send(opened).await;
        let cookies =
            answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| pair(cookie.to_str().ok()?));
        let mut sessions = cookies.filter(|(name, _)| !name.contains("-login-"));
        sessions.next().expect("a login sets the session's cookie")
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("the app answers")
}

fn location(response: &Response) -> Url {
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    location.and_then(|location| location.parse().ok()).expect("it redirects to another origin")
}

fn cookie(response: &Response) -> (String, String) {
    let cookie = response.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
    cookie.and_then(pair).expect("it sets a cookie")
}

fn pair(cookie: &str) -> Option<(String, String)> {
    let (name, value) = cookie.split(';').next()?.split_once('=')?;
    Some((name.to_owned(), value.to_owned()))
}

async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("the system has a free port")
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("a bound listener has an address").port()
}

/// Terminates TLS for both hosts. The name in the browser's handshake (SNI) tells which host is meant.
async fn serve_both(front: TcpListener, app: u16) {
    let acceptor = acceptor();
    while let Ok((connection, _)) = front.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(connection).await else { return };
            if stream.get_ref().1.server_name() == Some(APP) {
                let Ok(mut app) = TcpStream::connect((Ipv4Addr::LOCALHOST, app)).await else { return };
                let _ = copy_bidirectional(&mut stream, &mut app).await;
            } else {
                let _ = show_cookies(&mut stream).await;
            }
        });
    }
}

/// The sibling's page: the head of the request, with the cookies that the browser sent.
async fn show_cookies(stream: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let length = head.len();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{head}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn acceptor() -> TlsAcceptor {
    install_tls_provider();
    let folder = TempDir::new().expect("a folder");
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    make_certificate(&certificate, &key);
    let certificate = CertificateDer::from_pem_file(certificate).expect("openssl writes PEM");
    let key = PrivateKeyDer::from_pem_file(key).expect("openssl writes PEM");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(config.expect("the key is the certificate's")))
}

fn install_tls_provider() {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn make_certificate(certificate: &Path, key: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=example.test"])
        .args(["-addext", "subjectAltName=DNS:*.example.test"])
        .arg("-out")
        .arg(certificate)
        .arg("-keyout")
        .arg(key)
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
