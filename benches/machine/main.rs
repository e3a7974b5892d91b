//! What a request of a program costs: `GET /api/token` and `POST /oauth/token` compared with a bare handler, each with
//! one API key and with 1,000 more in the store, and `/proxy/forms` compared with nginx. Also what two pages cost.
//!
//! `cargo bench --bench machine` runs the release binary in keep mode on a SQLite file, with a stand-in as its VideoAsk
//! and one user connected. `wrk` sends requests to the two servers of each pair in turn, so that other load on the
//! machine affects both. The benchmark prints medians of the rounds: requests per second, and the 50th and 99th
//! percentile of the response time. It also prints the CPU time of 100,000 requests, of the server alone, from `/proc`.
//! All ratios are medians of the ratios of each round: many short rounds give a steadier result than a few long ones. All
//! processes, including `wrk`, share the same cores, so the CPU time says more about a program than the requests per
//! second.
//!
//! - The bare handler is axum and tokio without our code. It looks up the hash of the credential, and answers with JSON of
//!   the same size as the response of `/api/token` and with the same headers. It is a process of its own, compiled with
//!   the same profile, and has as many worker threads as the program: with two of them on two cores, it answers fewer
//!   requests, since they and `wrk` take turns.
//! - nginx has one worker per core, keeps its connections to the API, sends a fixed token, and writes no log.
//! - The API behind both is the stand-in, in its own process. Its CPU time is printed too: it slows both servers down
//!   equally, and so brings the ratio of their speeds nearer to 1.
//!
//! At the end it prints the program's resident memory: with a user connected, after all these requests, and after
//! another million requests, which should not make it grow.
//!
//! It needs `wrk` and `nginx` (Debian's packages of these names). `cargo bench --bench machine -- --help` has the
//! options, such as `--rounds 1 --seconds 1` for a quick look.

mod contender;
mod floor;
mod keys;
mod nginx;
mod options;
mod round;
mod standin;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "another benchmark uses the rest")]
mod support;
mod wrk;

use std::{num::NonZero, thread};

use clap::Parser;
use tokio::runtime::Builder;

use self::{
    contender::Contender,
    nginx::Nginx,
    options::{Options, Role},
    round::{Plan, alone, compare},
    support::{
        app::{App, CALLBACK, program},
        client, free_port,
        visitor::Visitor,
    },
    wrk::{Request, Wrk},
};

const API_KEY: &str = "benchmark-api-key-0123456789-0123456789";
/// How many API keys are in the store, in addition to the one of the configuration.
const MANY_KEYS: usize = 1_000;
/// How many more requests are sent before memory is measured again.
const MILLION: u64 = 1_000_000;
/// The longest time that these requests may take, in seconds.
const LONGEST: u64 = 120;

fn main() {
    let options = Options::parse();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = match options.role {
        // As many as the program has.
        Some(Role::Floor { .. }) => processors.div_ceil(2),
        Some(Role::Standin { .. }) | None => processors,
    };
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match &options.role {
            Some(Role::Floor { length, authorization, headers }) => floor::serve(*length, authorization, headers).await,
            Some(Role::Standin { callback }) => standin::serve(callback).await,
            None => run(&options).await,
        }
    });
}

async fn run(options: &Options) {
    let wrk = Wrk::find(options.connections);
    nginx::demand();

    let port = free_port().await;
    let (standin, provider) = standin::start(&format!("{}{CALLBACK}", App::url(port)));
    let variables = [("ALLOWED_USERS", "ada@example.com"), ("API_KEY", API_KEY)];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let app = App::start(folder.path(), port, &provider, &variables).await;
    let cookies = Visitor::new().log_in(&app.url).await;
    let idle = app.resident();

    let token = app.url.join("/api/token").expect("a URL");
    let answer = client().get(token.clone()).bearer_auth(API_KEY).send().await.expect("the app answers");
    let answer = answer.error_for_status().expect("a token");
    let headers = answer.headers().clone();
    let answer = answer.text().await.expect("whole");
    let plan = Plan { wrk: &wrk, rounds: options.rounds, seconds: options.seconds };
    let mut asked = 0;
    let mut compare_hand_outs = |key: &str, keys: usize| {
        let oauth = app.url.join("/oauth/token").expect("a URL");
        for (name, request) in [
            ("GET /api/token", Request::get(token.clone(), key)),
            ("POST /oauth/token", Request::client_credentials(oauth, key)),
        ] {
            println!("{name}, {} bytes of JSON, beside a bare handler; API keys: {keys}", answer.len());
            let (floor, url) = floor::start(answer.len(), &headers, &request.credential.1);
            let bare = Request { url, credential: request.credential.clone(), ..request };
            let mut ours = Contender::new("videoask-auth", &app, request);
            compare(&plan, &mut ours, &mut Contender::new("bare handler", &floor, bare), None);
            asked += ours.requests();
        }
    };
    compare_hand_outs(API_KEY, 1);
    let program = || {
        let mut command = program(folder.path(), &app.url, &provider);
        command.envs(variables);
        command
    };
    let last = keys::add(MANY_KEYS, program, &token).await;
    compare_hand_outs(&last, MANY_KEYS + 1);

    let forms = app.url.join("/proxy/forms").expect("a URL");
    let found = client().get(forms.clone()).bearer_auth(API_KEY).send().await.expect("the app answers");
    let found = found.error_for_status().expect("the forms").bytes().await.expect("whole");
    let reply: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let nginx = Nginx::start(&provider, reply["access_token"].as_str().expect("a token")).await;
    println!("\nGET /proxy/forms, {} bytes of JSON, beside nginx", found.len());
    let mut app_forms = Contender::new("videoask-auth", &app, Request::get(forms, API_KEY));
    let mut rival =
        Contender::new("nginx", &nginx, Request::get(nginx.url.join("/proxy/forms").expect("a URL"), API_KEY));
    compare(&plan, &mut app_forms, &mut rival, Some(&standin));
    asked += app_forms.requests();

    for (page, path, cookies) in
        [("/tokens", "/tokens", &*cookies), ("/, logged in", "/", &*cookies), ("/, logged out", "/", "other=cookie")]
    {
        println!("\nGET {page}");
        let mut pages =
            Contender::new("videoask-auth", &app, Request::page(app.url.join(path).expect("a URL"), cookies));
        alone(&plan, &mut pages);
        asked += pages.requests();
    }

    println!("\nresident, connected                {idle:8.2} MiB");
    println!("resident, after {asked:9} requests {:8.2} MiB", app.resident());
    asked += wrk.until(MILLION, LONGEST, &Request::get(token, API_KEY));
    println!("resident, after {asked:9} requests {:8.2} MiB", app.resident());
}
