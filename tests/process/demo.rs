//! `demo`: the whole thing on this machine, whatever is set up here.

use std::net::{Ipv4Addr, TcpListener};

use reqwest::Method;
use url::Url;

use crate::support::{Deployment, Program, Server, browser::Browser, run_in};

/// The URL in the line of the demo's welcome that says "Open".
fn opened(program: &mut Program) -> Url {
    let line = program.line(Program::stdout, "Open ");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_demo_asks_for_nothing_reads_nothing_and_leaves_nothing() {
    let deployment = Deployment::new().set("APP_URL", "nonsense").set("STORE_URL", "sqlite://left-behind.db");
    let variables = [("CLIENT_ID", "another"), ("STORE_URL", "redis://127.0.0.1:9"), ("PORT", "nonsense")];
    let mut program = deployment.start(&["demo", "--port", "0"], &variables);
    let app = opened(&mut program);
    assert_ne!(app.port(), Some(0), "the port that the system chose is shown");

    let browser = Browser::new(app);
    let page = browser.log_in("grace@example.com").await;
    assert_eq!((page.status, page.url.path()), (200, "/tokens"), "{}", page.text());
    assert!(page.text().contains("grace@example.com"));
    program.signal("INT");
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(deployment.files(), [".env"]);
}

#[tokio::test]
async fn the_demos_tokens_live_as_long_as_asked() {
    let folder = tempfile::TempDir::new().unwrap();
    let arguments = ["demo", "--port", "0", "--access-ttl", "10m", "--rotate", "on", "--leeway", "5s"];
    let mut program = crate::support::start_in(folder.path(), &arguments, &[]);
    let page = Browser::new(opened(&mut program)).log_in("ada@example.com").await;
    assert!(page.text().contains("10 min") || page.text().contains("9 min"), "{}", page.text());
}

#[test]
fn a_port_in_use_is_told_with_the_option_that_changes_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::TempDir::new().unwrap();
    let finished = run_in(folder.path(), &["demo", "--port", &port], &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    assert!(finished.stderr.contains(&port) && finished.stderr.contains("--port"), "{finished:?}");
    assert!(!finished.stderr.contains("HOST"), "the demo reads no HOST: {finished:?}");
}

#[tokio::test]
async fn the_demo_logs_as_the_environment_says() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut program = crate::support::start_in(
        folder.path(),
        &["demo", "--port", "0"],
        &[("LOG_FORMAT", "json"), ("RUST_LOG", "info")],
    );
    let server = Server { url: opened(&mut program), program };
    assert_eq!(server.browser().get("/").await.status, 200);
    let log = server.stop().stderr;
    assert!(log.lines().any(|line| line.contains("\"message\":\"answered\"")), "{log}");
}

#[tokio::test]
async fn the_demo_keeps_the_tokens_of_two_users_and_prints_a_line_for_programs_whose_key_works() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut program = crate::support::start_in(folder.path(), &["demo", "--port", "0", "--keep"], &[]);
    let browser = Browser::new(opened(&mut program));
    for (user, status) in [("ada@example.com", 200), ("grace@example.com", 200), ("eve@example.com", 403)] {
        let page = Browser::new(browser.url("/")).log_in(user).await;
        assert_eq!(page.status, status, "{user}: {}", page.text());
    }
    let line = program.line(Program::stdout, "curl ");
    let (key, url) = line.split_once("Bearer ").and_then(|(_, rest)| rest.split_once("\" ")).unwrap();
    assert_eq!(url, browser.url("/proxy/forms").as_str());
    for (key, status) in [(key, 200), ("another", 401)] {
        let token = browser.url("/api/token");
        assert_eq!(browser.send(Method::GET, &token, |request| request.bearer_auth(key)).await.status, status);
    }
}
