//! API keys in the store: what a hand-out costs with the key that was added last.

use std::{process::Stdio, time::Duration};

use super::{
    chart::{Chart, Line, Scale},
    support::{
        app::{App, program},
        browser::{Browser, Site},
        client, free_port, standin,
    },
    wrk::{Request, Wrk},
};

const CONNECTIONS: u32 = 64;
const SECONDS: u64 = 2;
const ROUNDS: usize = 3;

pub async fn run(numbers: &[usize]) -> Vec<(&'static str, Chart)> {
    let wrk = Wrk::find(CONNECTIONS);
    let (folder, port) = (tempfile::tempdir().expect("a temporary folder"), free_port().await);
    let provider = standin::spawn().await;
    let user = format!("{}@example.com", standin::user(0));
    let app = App::start(folder.path(), port, &provider, &[("ALLOWED_USERS", &user)]).await;
    Browser::new(0).log_in(&Site::new(&app.url, "/auth/videoask")).await.expect("a login");
    let token = app.url.join("/api/token").expect("a URL");

    println!("\nAPI keys | CPU s per 100,000 hand-outs | p50 ms");
    let (mut points, mut keys) = (Vec::new(), 0);
    for &number in numbers {
        let mut last = String::new();
        for key in keys..number {
            let mut command = program(folder.path(), &app.url, &provider);
            command.env("ALLOWED_USERS", &user).args(["key", "add", &format!("key-{key}")]);
            let output = command.stdout(Stdio::piped()).output().expect("the program runs");
            assert!(output.status.success(), "key add ended with {}", output.status);
            String::from_utf8(output.stdout).expect("text").trim().clone_into(&mut last);
        }
        keys = number;
        while !client().get(token.clone()).bearer_auth(&last).send().await.expect("it answers").status().is_success() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let request = Request::get(token.clone(), &last);
        // Warms up what only the first requests pay for.
        wrk.ask(1, &request);
        let before = app.cpu();
        let mut samples: Vec<_> = (0..ROUNDS).map(|_| wrk.ask(SECONDS, &request)).collect();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 requests")]
        let requests = samples.iter().map(|sample| sample.requests).sum::<u64>() as f64;
        let cpu = (app.cpu() - before).per(requests, 100_000.0).total();
        samples.sort_by(|one, other| one.p50.total_cmp(&other.p50));
        println!("{number:8} | {cpu:27.3} | {:6.2}", samples[ROUNDS / 2].p50);
        points.push((number, cpu));
    }
    let lines = vec![Line { name: "hand-outs", points }];
    let (title, unit) = ("CPU time of 100,000 hand-outs", "seconds");
    vec![("keys", Chart { title, unit, things: "API keys", scale: Scale::Logarithmic, lines })]
}
