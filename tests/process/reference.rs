//! docs/cli.md and docs/http-api.md list what there is: every command, option, route and type of problem, and no other.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;

use crate::{
    canary::complete,
    documents::{KEY, document, root, with_api_key},
    support::run_in,
};

#[test]
fn the_page_on_the_command_line_has_every_command_and_option() {
    let help = |arguments: &[&str]| run_in(root(), &[arguments, &["--help"]].concat(), &[]).stdout;
    let main = help(&[]);
    let (_, commands) = main.split_once("Commands:\n").expect("it lists them");
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands = commands.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    let page = document("docs/cli.md");
    let options_of = |name| match name {
        "key" => ["add", "list", "remove"].into_iter().flat_map(|command| options(&help(&["key", command]))).collect(),
        name => options(&help(&[name])),
    };
    let real: BTreeMap<&str, BTreeSet<String>> = commands.map(|name| (name, options_of(name))).collect();
    // A section that starts with a capital letter is not about one command.
    let sections = page.split("\n## ").skip(1).filter(|section| section.starts_with(char::is_lowercase));
    let documented: BTreeMap<&str, BTreeSet<String>> = sections
        .map(|section| {
            let (name, text) = section.split_once('\n').expect("a section has text");
            let rows = text.lines().filter_map(|line| line.strip_prefix("| `--"));
            (name, rows.map(|row| format!("--{}", row.split('`').next().expect("it is quoted"))).collect())
        })
        .collect();
    assert_eq!(documented, real);
}

/// The options of a command, except those that every command has.
fn options(help: &str) -> BTreeSet<String> {
    let long = |line: &str| -> Option<String> {
        let word = line.split_whitespace().find(|word| !matches!(*word, "-h," | "-X,"))?;
        word.strip_prefix("--").map(str::to_owned)
    };
    let names = help.lines().filter_map(long).filter(|name| !["", "help", "env-file"].contains(&name.as_str()));
    names.map(|name| format!("--{name}")).collect()
}

#[tokio::test]
async fn the_page_on_http_has_every_route_and_no_other() {
    let (_deployment, server) = with_api_key().await;
    let page = document("docs/http-api.md");
    let (_, table) = page.split_once("## All routes").expect("it has a table");
    let rows = table.lines().filter(|line| line.starts_with("| `/"));
    let routes: BTreeSet<&str> =
        rows.flat_map(|row| row.split('|').nth(1).expect("a row has cells").split('`').skip(1).step_by(2)).collect();

    let browser = server.browser();
    for route in routes.iter().filter(|route| **route != "/static/{name}") {
        let url = browser.url(&route.replace("{*path}", "forms").replace("{format}", "env"));
        let answer = browser.send(Method::GET, &url, |request| request.bearer_auth(KEY)).await;
        assert!(answer.status != 404 || *route == "/proxy/", "{route}: {}", answer.text());
    }

    let url = browser.url("/api/openapi.json");
    let described = browser.send(Method::GET, &url, |request| request.bearer_auth(KEY)).await;
    let described: Value = serde_json::from_slice(&described.body).unwrap();
    let described = described["paths"].as_object().unwrap().keys().cloned();
    for route in described.chain(complete::routes()) {
        assert!(routes.contains(route.as_str()), "{route} is not in docs/http-api.md");
    }
}

#[tokio::test]
async fn the_page_on_http_has_every_type_of_problem_and_no_other() {
    let (_deployment, server) = with_api_key().await;
    let browser = server.browser();
    let metrics = browser.send(Method::GET, &browser.url("/metrics"), |request| request.bearer_auth(KEY)).await.text();
    let counters = metrics.lines().filter(|line| line.contains("hand_outs_total{") || line.contains("requests_total{"));
    let results = counters.filter_map(|line| line.split_once("result=\"")?.1.split('"').next());
    let types: BTreeSet<&str> = results.filter(|result| *result != "ok" && !result.ends_with("xx")).collect();

    let page = document("docs/http-api.md");
    let (_, table) = page.split_once("## Errors").expect("it has a table");
    let (table, _) = table.split_once("\n## ").expect("a section follows");
    let rows = table.lines().filter(|line| line.starts_with("| `") && !line.starts_with("| `type`"));
    let documented: BTreeSet<&str> =
        rows.flat_map(|row| row.split('|').nth(1).expect("a row has cells").split('`').skip(1).step_by(2)).collect();
    assert_eq!(documented, types);
}
