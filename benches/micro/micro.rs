//! Single steps, measured by criterion: `cargo bench -p micro`, or `cargo bench -p micro -- seal` for those with `seal`
//! in their name.
//!
//! Encryption and the check of an id_token are called directly. A page, a cookie and a hand-out are requests to an app
//! in this process with a store in memory, on one connection that stays open. So their times include that of the
//! loopback.

#[path = "../support/browser.rs"]
mod browser;
#[path = "../support/standin.rs"]
mod standin;

use std::net::Ipv4Addr;

use criterion::{Criterion, criterion_group, criterion_main};
use oauth2::{AccessToken, RefreshToken};
use reqwest::{Client, redirect::Policy};
use secrecy::SecretString;
use time::OffsetDateTime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use url::Url;
use videoask_auth::{
    app::App,
    clock::Clock,
    config::Config,
    keys::Keyring,
    provider::{IdToken, Nonce, Provider},
    store::{
        self, IfMissing, RowKey,
        records::{Row, State},
    },
    telemetry::Metrics,
    vault::{Identity, Issuer, Record, TokenSet},
};

use self::browser::{Browser, Site};

const API_KEY: &str = "benchmark-api-key-0123456789-0123456789";
const NONCE: &str = "a-nonce-as-long-as-those-of-a-login-are";

criterion_group!(benches, encryption, id_token, requests);
criterion_main!(benches);

fn encryption(criterion: &mut Criterion) {
    let keys = Keyring::new(&SecretString::from("benchmark-express-session-0123456789"), &[]);
    let (key, record) = (RowKey::of_user("user-0"), record(&keys));
    let row = Row::from(&record.new_row(&keys, &key, State::Live, None));
    criterion
        .bench_function("seal a record", |bencher| bencher.iter(|| record.new_row(&keys, &key, State::Live, None)));
    criterion.bench_function("open a record", |bencher| bencher.iter(|| Record::of_row(&keys, &row)));
}

fn id_token(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("it starts");
    let (provider, id_token) = runtime.block_on(async {
        let url = standin::spawn().await;
        let config = config(&url, &url);
        let provider = Provider::new(&config.provider, Clock::system(), Metrics::default()).expect("a client");
        let form = [("client_secret", standin::CLIENT_SECRET), ("code", &standin::code("user-0", NONCE))];
        let exchange = client().post(url.join("/oauth/token").expect("a URL")).form(&form);
        let response = exchange.send().await.expect("it answers");
        let tokens: serde_json::Value = response.json().await.expect("JSON");
        (provider, IdToken::new(tokens["id_token"].as_str().expect("an id_token").to_owned()))
    });
    let nonce = Nonce::new(NONCE.to_owned());
    let check = || runtime.block_on(provider.verify_id_token(&id_token, Some(&nonce))).expect("it is valid");
    criterion.bench_function("check an id_token", |bencher| bencher.iter(check));
}

fn requests(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("it starts");
    let (mut connection, app, cookie) = runtime.block_on(async {
        let provider = standin::spawn().await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let url: Url = format!("http://localhost:{port}").parse().expect("a URL");
        let config = config(&url, &provider);
        let store = store::open(&config.store, IfMissing::Create).await.expect("memory").store;
        let app = App::build(config, store, Clock::system()).expect("a client");
        tokio::spawn(app.serve(listener, std::future::pending()));
        let mut browser = Browser::new(0);
        browser.log_in(&Site::new(&url, "/auth/videoask")).await.expect("a login");
        (TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("it listens"), url, browser.cookie())
    });
    let host = app.authority().to_owned();
    let mut bench = |name, path, header: String| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{header}\r\n");
        criterion.bench_function(name, |bencher| bencher.iter(|| runtime.block_on(get(&mut connection, &request))));
    };
    bench("page: home", "/", String::new());
    bench("page: tokens", "/tokens", format!("Cookie: {cookie}\r\n"));
    bench("cookie of a new login", "/auth/videoask", String::new());
    bench("hand-out", "/api/token", format!("Authorization: Bearer {API_KEY}\r\n"));
}

/// Sends the request, and reads the whole response. Returns the length of its body.
async fn get(connection: &mut TcpStream, request: &str) -> usize {
    connection.write_all(request.as_bytes()).await.expect("it reads");
    let mut response = Vec::with_capacity(64 * 1024);
    loop {
        connection.read_buf(&mut response).await.expect("it answers");
        let Some(head) = response.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = str::from_utf8(&response[..head]).expect("ASCII");
        assert!(text.starts_with("HTTP/1.1 200") || text.starts_with("HTTP/1.1 302"), "{text}");
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().expect("a number"));
        if response.len() >= head + 4 + length {
            return length;
        }
    }
}

fn record(keys: &Keyring) -> Record {
    let tokens = TokenSet::dated(
        AccessToken::new(standin::access_token("user-0")),
        Some(RefreshToken::new(format!("refresh-{NONCE}"))),
        Some("openid profile email offline_access".to_owned()),
        Some(std::time::Duration::from_secs(86_400)),
        now(),
    );
    let issuer =
        Issuer { client_id: standin::CLIENT_ID.to_owned(), token_endpoint: "https://auth.example/token".to_owned() };
    Record::minted(keys, tokens, Identity { user_id: Some("user-0".to_owned()), ..Identity::default() }, issuer)
}

fn config(app: &Url, provider: &Url) -> Config {
    let loaded = Config::from_pairs([
        ("CLIENT_ID", standin::CLIENT_ID),
        ("CLIENT_SECRET", standin::CLIENT_SECRET),
        ("EXPRESS_SESSION", "benchmark-express-session-0123456789"),
        ("APP_URL", app.as_str()),
        ("VIDEOASK_AUTH_URL", provider.as_str()),
        ("VIDEOASK_API_URL", provider.as_str()),
        ("ALLOWED_USERS", "user-0@example.com"),
        ("API_KEY", API_KEY),
        ("STORE_URL", "memory:"),
    ]);
    loaded.expect("it is right").config
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own client")]
fn client() -> Client {
    // An error means that the process already has a default provider, which works too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client")
}
