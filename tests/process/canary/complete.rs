//! Every route and every command, read from the source and from the help, so that a test notices if it leaves out a new
//! one.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::Deployment;

/// Every route of the app, as the log names it, read from the source.
pub fn routes() -> BTreeSet<String> {
    let mut routes = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name() != Some("panicking.rs".as_ref()) {
                // Its routes exist only in tests.
                routes.extend(routes_of(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    routes
}

fn routes_of(source: &str) -> Vec<String> {
    assert!(!source.contains(".nest(") && !source.contains("_service("), "a route that is not found here");
    let path_of = |call: &str| {
        let call = call.trim_start();
        let below_the_proxy = call.strip_prefix("&below(");
        let argument = below_the_proxy.unwrap_or(call);
        let (name, _) = argument.split_once([',', ')']).expect("a route has a handler");
        let constant = source.split_once(&format!("const {name}: &str = ")).map(|(_, value)| value);
        let literal = constant.unwrap_or(argument).strip_prefix('"').and_then(|rest| rest.split_once('"'));
        let (path, _) = literal.expect("a route has its path as a literal, or as a constant of its file");
        if below_the_proxy.is_some() { format!("/proxy/{path}") } else { path.to_owned() }
    };
    source.split(".route(").skip(1).map(path_of).collect()
}

/// The routes of the requests in a log of either format.
pub fn routes_in(log: &str) -> BTreeSet<String> {
    let starts = ["route=\"", "\"route\":\""];
    let found = starts.into_iter().flat_map(|start| log.split(start).skip(1));
    found.filter_map(|rest| rest.split_once('"')).map(|(route, _)| route.to_owned()).collect()
}

/// Every command that the help names, except `help`.
pub fn commands(deployment: &Deployment) -> BTreeSet<String> {
    let help = deployment.run(&["--help"]).stdout;
    let (_, list) = help.split_once("Commands:\n").expect("the help lists the commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    let names: BTreeSet<String> = names.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.into_iter().filter(|name| name != "help").collect()
}

#[test]
fn every_kind_of_route_is_found() {
    let source = "Router::new().route(\"/one\", get(one)).route(\n    \"/two/{id}\", get(two)).route(&below(\"{*path}\"), any(x))";
    assert_eq!(routes_of(source), ["/one", "/two/{id}", "/proxy/{*path}"]);
    assert!(
        routes().is_superset(&["/", "/tokens/revoke", "/proxy/{*path}", "/static/{name}"].map(str::to_owned).into())
    );
}
