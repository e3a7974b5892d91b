//! The command `demo`: the app and the stand-in on this machine. It ignores an app that is configured here.

use std::{
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    process::Command,
};

use regex::Regex;
use reqwest::Method;
use serde_json::Value;
use url::Url;

use crate::support::{Deployment, Program, Server, browser::Browser, run_in, start_in};

/// The app's URL, from the line that the demo prints with "Open".
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

#[tokio::test]
async fn commands_work_beside_a_demo_in_a_folder_and_the_next_demo_there_goes_on() {
    let parent = tempfile::TempDir::new().unwrap();
    let folder = parent.path().join("new/demo");
    let start =
        |arguments: &[&str]| start_in(parent.path(), &[&["demo", "--dir", "new/demo"], arguments].concat(), &[]);
    let run = |arguments: &[&str]| run_in(&folder, arguments, &[]);
    // The first refresh after the restart sends a token that the stand-in issued before the restart.
    let mut program = start(&["--keep", "--port", "0", "--rotate", "on"]);
    let app = opened(&mut program);
    assert_eq!(Browser::new(app.clone()).log_in("ada@example.com").await.status, 200);
    let token = run(&["token"]);
    assert_eq!(token.code, Some(0), "{token:?}");
    assert_eq!(run(&["key", "add", "mine"]).code, Some(0));
    let mode = std::fs::metadata(folder.join(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let in_use = start(&[]).finish();
    assert!(in_use.code == Some(1) && in_use.stderr.contains("is it running already"), "{in_use:?}");
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));

    let mut program = start(&["--keep", "--rotate", "on"]);
    assert_eq!(opened(&mut program), app);
    for _ in 0..2 {
        let current = run(&["token"]).stdout;
        let refused = Command::new("sh")
            .args(["-c", "printf %s \"$TOKEN\" | \"$PROGRAM\" token --refused"])
            .env_clear()
            .envs([
                ("TOKEN", current.trim()),
                ("PROGRAM", env!("CARGO_BIN_EXE_videoask-auth")),
                ("PATH", "/usr/bin:/bin"),
            ])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(refused.status.success(), "{refused:?}");
    }
    let status = run(&["status", "--json"]).stdout;
    assert!(status.contains("\"state\": \"live\"") || status.contains("\"state\":\"live\""), "{status}");
    assert!(run(&["key", "list"]).stdout.contains("mine"));
    program.signal("INT");
    assert_eq!(program.finish().code, Some(0));
    for (arguments, word) in [(&["--port", "1"], "--port"), (&["--dir", "x"], "")] {
        let finished = start(arguments).finish();
        assert!(finished.code == Some(2) && finished.stderr.contains(word), "{finished:?}");
    }
}

#[test]
fn a_demo_leaves_the_env_file_of_somebody_alone() {
    let deployment = Deployment::new();
    let before = std::fs::read_to_string(deployment.path().join(".env")).unwrap();
    let finished = deployment.run(&["demo", "--dir", "."]);
    assert!(finished.code == Some(2) && finished.stderr.contains("was not written by"), "{finished:?}");
    assert_eq!(std::fs::read_to_string(deployment.path().join(".env")).unwrap(), before);
    assert_eq!(deployment.files(), [".env"]);
}

#[tokio::test]
async fn a_refresh_token_that_was_spent_before_a_restart_of_the_demo_stays_spent() {
    let folder = tempfile::TempDir::new().unwrap();
    let start = |arguments: &[&str]| {
        let mut program =
            start_in(folder.path(), &[&["demo", "--dir", ".", "--rotate", "on"], arguments].concat(), &[]);
        let url = opened(&mut program);
        (Server { url: url.clone(), program }, url)
    };
    let (server, _) = start(&["--port", "0"]);
    let page = server.browser().log_in("ada@example.com").await.text();
    let tokens = Regex::new(r"v1\.[A-Za-z0-9_.-]+").unwrap();
    let spent = tokens.find(&page).expect("the page shows the refresh token").as_str().to_owned();
    let values = std::fs::read_to_string(folder.path().join(".env")).unwrap();
    let provider = values.lines().find_map(|line| line.strip_prefix("VIDEOASK_AUTH_URL=")).unwrap();
    let (client, url) = (server.browser(), format!("{provider}/oauth/token").parse().unwrap());
    let refresh = async |token: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "demo-client-id"),
            ("client_secret", "demo-client-secret"),
            ("refresh_token", token),
        ];
        let response = client.send(Method::POST, &url, |request| request.form(&form)).await;
        (response.status, serde_json::from_slice::<Value>(&response.body).unwrap())
    };
    let (status, tokens) = refresh(&spent).await;
    let current = tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
    assert_eq!(status, 200, "{tokens}");
    server.stop();

    let (server, _) = start(&[]);
    let (status, next) = refresh(&current).await;
    assert_eq!(status, 200, "{next}");
    assert_eq!(refresh(&spent).await.0, 403, "it was used before the restart");
    server.stop();
    let (_server, _) = start(&[]);
    let current = next["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(current).await.0, 403, "using a spent token ended its whole family");
}

#[test]
fn a_folder_that_a_demo_cannot_use_is_named_with_what_to_do() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::create_dir_all(folder.path().join("odd/.env")).unwrap();
    for dir in ["file", "odd"] {
        let finished = run_in(folder.path(), &["demo", "--port", "0", "--dir", dir], &[]);
        let words = [format!("{dir} cannot be the folder of a demo"), "Fix: Name a folder".to_owned()];
        assert!(finished.code == Some(1) && words.iter().all(|words| finished.stderr.contains(words)), "{finished:?}");
    }
    let deployment = Deployment::new();
    deployment.sealed_folder("sealed");
    let finished = deployment.run_unprivileged(&["demo", "--port", "0", "--dir", "sealed/demo"]);
    assert!(finished.stderr.contains("Permission denied") && finished.stderr.contains("Fix: "), "{finished:?}");

    let folder = tempfile::TempDir::new().unwrap();
    let mut first = start_in(folder.path(), &["demo", "--port", "0", "--dir", "."], &[]);
    opened(&mut first);
    first.signal("INT");
    assert_eq!(first.finish().code, Some(0));
    std::fs::write(folder.path().join("pretend-videoask.json"), "{").unwrap();
    let finished = run_in(folder.path(), &["demo", "--dir", "."], &[]);
    assert!(finished.code == Some(1) && finished.stderr.contains("pretend-videoask.json"), "{finished:?}");
}
