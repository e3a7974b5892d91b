//! Compares the cost of a login with that of other software, and with that of a minimal server.
//!
//! `cargo bench --bench compare` lets 1, 16 and 64 different users log in repeatedly, at
//!
//! - this app in keep mode and in mint mode: the release binary on a SQLite file;
//! - the stack of the original: Node with express, express-session, passport and passport-videoask (`node/`), whose
//!   sessions are in memory;
//! - Debian's apache2 with mod_auth_openidc, whose sessions are in memory too;
//! - a floor: an axum server with the guarantees of keep mode and nothing else ([`floor`]).
//!
//! A login is four requests: home page, redirect to the provider, callback, and the page with the tokens. The servers
//! take turns, so that other load on the machine affects all of them. All use the same stand-in, which runs in its own
//! process. The speed of the stand-in alone is printed first, because no server can be faster than that.
//!
//! It prints medians of the rounds: CPU time of the server alone for 1,000 logins, from `/proc`; logins per second; the
//! 50th and 99th percentile of the time of a login; CPU time of the stand-in. It also prints how many logins were
//! refused in all rounds. All processes and the browsers share the same cores, so the CPU time says more about a server
//! than the logins per second.
//!
//! It needs Node, npm, and Debian's packages apache2-bin and libapache2-mod-auth-openidc.
//! `cargo bench --bench compare -- --help` has the options, such as `--users 16 --rounds 1` for a quick look.

mod apache;
mod contender;
mod floor;
mod node;
mod options;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod support;

use std::{net::Ipv4Addr, time::Duration};

use clap::Parser;
use reqwest::Client;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use self::{
    apache::Apache,
    contender::{Contender, Plain},
    options::{Options, Role},
    support::{
        app::App,
        browser::Site,
        client, free_port,
        process::Process,
        role::{announce, start_role},
        standin, stopwatch,
    },
};

const LOGIN: &str = "/auth/videoask";
const WARM_UP_USERS: usize = 16;

#[tokio::main]
async fn main() {
    let options = Options::parse();
    match &options.role {
        Some(Role::Standin) => serve_standin().await,
        Some(Role::Floor { provider, store }) => floor::serve(provider, store).await,
        None => run(&options).await,
    }
}

async fn run(options: &Options) {
    apache::demand();
    node::install();
    let (standin, provider) = start_role(&["standin"]);
    ceiling(&standin, &provider, options.seconds).await;

    let folder = || tempfile::tempdir().expect("a temporary folder");
    let (keep_folder, mint_folder, floor_folder) = (folder(), folder(), folder());
    let users = options.users.iter().copied().fold(WARM_UP_USERS, usize::max);
    let users: Vec<_> = (0..users).map(|number| format!("{}@example.com", standin::user(number))).collect();
    let variables = [("ALLOWED_USERS", &*users.join(","))];
    let keep = App::start(keep_folder.path(), free_port().await, &provider, &variables).await;
    let mint = App::start(mint_folder.path(), free_port().await, &provider, &[]).await;
    let (floor, floor_url) = floor::start(&provider, floor_folder.path());
    let floor = Plain(floor);
    let (node_port, apache_port) = (free_port().await, free_port().await);
    let (node_url, apache_url) = (App::url(node_port), App::url(apache_port));
    let node = Plain(node::start(node_port, &node_url, &provider));
    let apache = Apache::start(apache_port, &apache_url, &provider);
    until_listening(node_port).await;
    until_listening(apache_port).await;

    let sites = [
        Site::new(&keep.url, LOGIN),
        Site::new(&mint.url, LOGIN),
        Site::new(&node_url, LOGIN),
        Site::new(&apache_url, "/tokens"),
        Site::new(&floor_url, LOGIN),
    ];
    println!(
        "\nusers | server                     | CPU s per 1,000 | logins/s |  p50 ms |  p99 ms | refused | stand-in's CPU s"
    );
    let contenders = || {
        [
            Contender::new("videoask-auth, keep mode", &keep, &sites[0]),
            Contender::new("videoask-auth, mint mode", &mint, &sites[1]),
            Contender::new("express, passport-videoask", &node, &sites[2]),
            Contender::new("apache2, mod_auth_openidc", &apache, &sites[3]),
            Contender::new("floor", &floor, &sites[4]),
        ]
    };
    for contender in &mut contenders() {
        // Warms up what only the first logins pay for: connections, caches, and Node's compilation of hot functions.
        contender.measure(WARM_UP_USERS, options.seconds, &standin).await;
    }
    for &users in &options.users {
        let mut contenders = contenders();
        for round in 0..options.rounds {
            contenders.rotate_left(usize::from(round > 0));
            for contender in &mut contenders {
                contender.measure(users, options.seconds, &standin).await;
            }
        }
        let turned = options.rounds.saturating_sub(1) % contenders.len();
        contenders.rotate_right(turned);
        for contender in &contenders {
            tell(users, contender);
        }
    }
}

async fn serve_standin() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let url = announce(&listener);
    standin::serve(listener, url).await;
}

/// Measures and prints how fast the stand-in is when it has the machine to itself.
async fn ceiling(standin: &Process, provider: &Url, length: Duration) {
    const AT_ONCE: usize = 16;
    let (before, began) = (standin.cpu(), stopwatch());
    let exchanges = (0..AT_ONCE).map(async |number| {
        let (client, mut exchanges) = (client(), 0_u32);
        while began.elapsed() < length {
            exchange(&client, provider, &standin::user(number)).await;
            exchanges += 1;
        }
        exchanges
    });
    let exchanges = futures_util::future::join_all(exchanges).await.into_iter().sum::<u32>().into();
    println!(
        "stand-in alone, a code exchange and /me, {AT_ONCE} at once: {:.0} a second; CPU for 1,000: {}",
        exchanges / began.elapsed().as_secs_f64(),
        (standin.cpu() - before).per(exchanges, 1000.0),
    );
}

async fn exchange(client: &Client, provider: &Url, user: &str) {
    let url = |path| provider.join(path).expect("a URL");
    let code = standin::code(user, "a-nonce-as-long-as-those-of-a-login-are");
    let form = [("client_secret", standin::CLIENT_SECRET), ("code", &code)];
    let me = client.get(url("/me")).bearer_auth(standin::access_token(user));
    for request in [client.post(url("/oauth/token")).form(&form), me] {
        let response = request.send().await.and_then(reqwest::Response::error_for_status).expect("it answers");
        response.bytes().await.expect("whole");
    }
}

async fn until_listening(port: u16) {
    let began = stopwatch();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "the server on port {port} starts");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn tell(users: usize, contender: &Contender<'_>) {
    println!(
        "{users:5} | {:26} | {:15.3} | {:8.0} | {:7.1} | {:7.1} | {:7} | {:16.3}",
        contender.name,
        contender.median(|sample| sample.cpu),
        contender.median(|sample| sample.per_second),
        contender.median(|sample| sample.p50),
        contender.median(|sample| sample.p99),
        contender.samples.iter().map(|sample| sample.refused).sum::<usize>(),
        contender.median(|sample| sample.standin_cpu),
    );
}
