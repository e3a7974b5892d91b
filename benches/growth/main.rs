//! How the costs of the release binary grow with the number of connections, replicas and API keys.
//!
//! `cargo bench --bench growth` measures this, and draws charts into `docs/images/performance/`:
//!
//! - 1 to 100,000 kept connections, on SQLite and on Redis: the time of one start, of a lookup right after a login and
//!   of a scrape (both medians of nine), and memory at the end. The stores have the schema of an earlier version;
//! - 1 to 4 replicas on one Redis: the CPU time of a login, how often the replicas sleep, how many commands Redis
//!   executes, and how often it reads;
//! - 1 to 10,000 open HTTP connections: memory while they are open, and after they have closed;
//! - 1 to 1,000 API keys: the CPU time of a hand-out.
//!
//! `-- kept replicas open keys` names the curves, all by default; `-- --help` has the options. It needs `redis-server`
//! and `wrk`, and for 10,000 open connections a file limit (`ulimit -n`) above that.

mod chart;
mod kept;
mod keys;
mod open;
mod options;
mod redis_server;
mod replicas;
mod seed;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod support;
#[path = "../machine/wrk.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod wrk;

use std::fs;

use clap::Parser;

use self::{
    chart::Chart,
    options::{Curve, Options},
};

const API_KEY: &str = "growth-benchmark-api-key-0123456789";
/// The `EXPRESS_SESSION` of `support::app`.
const SECRET: &str = "benchmark-express-session-0123456789";
const IMAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images/performance");

#[tokio::main]
async fn main() {
    let options = Options::parse();
    if options.has(Curve::Kept) {
        draw(kept::run(&options.kept).await);
    }
    if options.has(Curve::Replicas) {
        draw(replicas::run(&options.replicas, options.browsers).await);
    }
    if options.has(Curve::Open) {
        draw(open::run(&options.open).await);
    }
    if options.has(Curve::Keys) {
        draw(keys::run(&options.keys).await);
    }
}

fn draw(charts: Vec<(&str, Chart)>) {
    fs::create_dir_all(IMAGES).expect("the source tree can be written");
    for (name, chart) in charts {
        fs::write(format!("{IMAGES}/{name}.svg"), chart.svg()).expect("the source tree can be written");
    }
}
