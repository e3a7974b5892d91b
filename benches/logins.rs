//! What a login costs: the release binary on a SQLite file, with a stand-in in this process.
//!
//! `cargo bench --bench logins` prints start-up time, resident memory before and after, and CPU time for 1,000 whole
//! logins (home, start, callback, token page). The CPU time is the server's alone, from `/proc`.

#[expect(dead_code, reason = "another benchmark uses the rest")]
mod support;

use std::{fs, net::Ipv4Addr, sync::Arc, time::Duration};

use standin::{Options, StandIn};
use tokio::net::TcpListener;
use url::Url;

use support::{
    app::{App, BINARY, CALLBACK},
    free_port, mebibytes, now, stopwatch,
    visitor::Visitor,
};

const LOGINS: u32 = 5_000;
const AT_ONCE: u32 = 8;

#[tokio::main]
async fn main() {
    let standin = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let provider: Url = format!("http://{}", standin.local_addr().expect("an address")).parse().expect("a URL");
    let port = free_port().await;
    let options = Options::new(format!("{}{CALLBACK}", App::url(port)), Arc::new(now));
    tokio::spawn(StandIn::new(options, provider.clone()).serve(standin, std::future::pending()));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let began = stopwatch();
    let app = App::start(folder.path(), port, &provider, &[]).await;
    let ready = began.elapsed();
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("start to ready      {:8.1} ms", ready.as_secs_f64() * 1000.0);
    println!("binary              {:8.2} MiB", mebibytes(fs::metadata(BINARY).expect("the binary").len()));
    println!("resident, idle      {:8.2} MiB", app.resident());

    let before = app.cpu();
    let began = stopwatch();
    let workers: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(log_in_repeatedly(app.url.clone()))).collect();
    for worker in workers {
        worker.await.expect("every login succeeds");
    }
    println!("{LOGINS} logins        {:8.2} s", began.elapsed().as_secs_f64());
    println!("CPU a 1,000 logins  {}", (app.cpu() - before).per(LOGINS.into(), 1000.0));
    println!("resident, after     {:8.2} MiB", app.resident());
}

async fn log_in_repeatedly(app: Url) {
    let visitor = Visitor::new();
    for _ in 0..LOGINS / AT_ONCE {
        visitor.log_in(&app).await;
    }
}
