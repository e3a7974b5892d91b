//! How many instructions a login, a hand-out, a proxied request and a page take: the release binary under callgrind.
//!
//! `scripts/counts` prints the counts beside those of `baseline.txt`, and fails if one differs by more than the
//! tolerance. `scripts/counts --update` rewrites that file. A count does not include waiting, the kernel or cache
//! misses. But it is the same on a busy machine, so it shows a change of one percent that a time measurement cannot
//! show.
//!
//! The server has one worker thread, and requests are sent one by one. The count starts after a warm-up and is divided
//! by the number of requests, so it does not include the start and the costs of first requests. The counts depend on
//! the compiler and the processor: compare only counts of the same machine.

mod callgrind;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod support;

use std::{collections::BTreeMap, fs, process::ExitCode};

use clap::Parser;
use reqwest::{Client, header};
use url::Url;

use self::{
    callgrind::Callgrind,
    support::{
        app::App,
        browser::{Browser, Site},
        client, free_port, standin,
    },
};

const API_KEY: &str = "benchmark-api-key-0123456789-0123456789";
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/counts/baseline.txt");
const WARM_UP: u64 = 20;
const LOGINS: u64 = 100;
const REQUESTS: u64 = 1_000;

/// Counts the instructions of a login, a hand-out, a proxied request and a page
#[derive(Parser)]
struct Options {
    /// Write the baseline
    #[arg(long)]
    update: bool,
    /// How many percent a count may differ from the baseline
    #[arg(long, default_value_t = 2.0)]
    tolerance: f64,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// The work whose instructions are counted.
enum Work {
    Login,
    Get(Url, header::HeaderMap),
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let counts = count().await;
    if options.update {
        let lines: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}\n")).collect();
        fs::write(BASELINE, lines.concat()).expect("the source tree can be written");
    }
    if compare(&counts, options.tolerance) {
        ExitCode::SUCCESS
    } else {
        println!("More than {} % off. If that is meant: scripts/counts --update", options.tolerance);
        ExitCode::FAILURE
    }
}

async fn count() -> Vec<(&'static str, u64)> {
    let (folder, port, provider) =
        (tempfile::tempdir().expect("a temporary folder"), free_port().await, standin::spawn().await);
    let user = format!("{}@example.com", standin::user(0));
    let variables = [("ALLOWED_USERS", user.as_str()), ("API_KEY", API_KEY)];
    let app = Callgrind::start(folder.path(), port, &provider, &variables).await;

    let url = App::url(port);
    let site = Site::new(&url, "/auth/videoask");
    let (mut browser, client) = (Browser::new(0), client());
    browser.log_in(&site).await.expect("a login");
    let key = headers(header::AUTHORIZATION, &format!("Bearer {API_KEY}"));
    let cookie = headers(header::COOKIE, &browser.cookie());
    let page = |path| url.join(path).expect("a URL");
    let works = [
        ("home", Work::Get(site.home.clone(), header::HeaderMap::new())),
        ("home-logged-in", Work::Get(site.home.clone(), cookie.clone())),
        ("tokens", Work::Get(site.tokens.clone(), cookie)),
        ("hand-out", Work::Get(page("/api/token"), key.clone())),
        ("proxy", Work::Get(page("/proxy/me"), key)),
        ("login", Work::Login),
    ];
    let mut counts = Vec::new();
    for (name, work) in works {
        let requests = if matches!(work, Work::Login) { LOGINS } else { REQUESTS };
        repeat(&work, WARM_UP, &client, &mut browser, &site).await;
        app.count();
        repeat(&work, requests, &client, &mut browser, &site).await;
        counts.push((name, app.count() / requests));
    }
    counts
}

async fn repeat(work: &Work, times: u64, client: &Client, browser: &mut Browser, site: &Site) {
    for _ in 0..times {
        match work {
            Work::Login => browser.log_in(site).await.expect("a login"),
            Work::Get(url, headers) => {
                let response = client.get(url.clone()).headers(headers.clone()).send().await.expect("it answers");
                assert_eq!(response.status(), 200, "{url}");
                response.bytes().await.expect("whole");
            }
        }
    }
}

fn headers(name: header::HeaderName, value: &str) -> header::HeaderMap {
    header::HeaderMap::from_iter([(name, value.parse().expect("ASCII"))])
}

/// Prints the counts beside the baseline. Returns whether all are within the tolerance.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn compare(counts: &[(&str, u64)], tolerance: f64) -> bool {
    let baseline = fs::read_to_string(BASELINE).unwrap_or_default();
    let baseline: BTreeMap<_, u64> = baseline
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, count)| (name, count.parse().expect("a number")))
        .collect();
    println!("{:14} | instructions | baseline     | change", "");
    let mut within = true;
    for (name, count) in counts {
        let before = baseline.get(name).copied().unwrap_or_default();
        let change = (*count as f64 / before as f64 - 1.0) * 100.0;
        println!("{name:14} | {count:12} | {before:12} | {change:+.2} %");
        within &= change.abs() <= tolerance;
    }
    within
}
