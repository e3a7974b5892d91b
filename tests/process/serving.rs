//! The command `serve`: the `.env` of a Glitch app, a login, a restart, and the log.

use reqwest::Method;
use serde_json::Value;

use crate::support::Deployment;

#[tokio::test]
async fn the_five_variables_of_glitch_give_a_login_that_outlives_a_restart() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let browser = server.browser();
    let page = server.log_in(&browser).await;
    assert_eq!((page.status, page.url.path()), (200, "/tokens"), "{}", page.text());
    let (access, refresh) = (page.element("access-token"), page.element("refresh-token"));
    assert!(access.is_some() && refresh.is_some());
    let stopped = server.stop();
    assert_eq!(stopped.code, Some(0), "{stopped:?}");

    let server = deployment.serve();
    let page = browser.get(server.url.join("/tokens").unwrap().as_str()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!((page.element("access-token"), page.element("refresh-token")), (access, refresh));
    assert_eq!(server.stop().code, Some(0));
}

#[tokio::test]
async fn without_a_command_it_serves_too_and_keeps_its_store_beside_the_env_file() {
    let deployment = Deployment::new();
    let server = deployment.serve_by(&[]);
    assert_eq!(server.browser().get("/").await.status, 200);
    assert_eq!(server.stop().code, Some(0));
    assert_eq!(deployment.files(), [".env", "videoask-auth.db"]);
}

#[tokio::test]
async fn another_env_file_is_read_where_it_is_named() {
    let deployment = Deployment::new();
    let config = deployment.path().join("config");
    std::fs::create_dir(&config).unwrap();
    std::fs::rename(deployment.path().join(".env"), config.join("production.env")).unwrap();
    let server = deployment.serve_by(&["serve", "--env-file", "config/production.env"]);
    assert_eq!(server.browser().get("/healthz").await.status, 200);
    server.stop();
    assert!(config.join("videoask-auth.db").exists(), "a relative STORE_URL belongs to the file that was read");
}

#[tokio::test]
async fn a_request_gets_one_line_that_names_its_route_and_never_its_query() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let browser = server.browser();
    let page = browser.get("/tokens/export/json?colour=mauve").await;
    let nowhere = browser.get("/no-such-place?colour=mauve").await;
    let id = |page: &crate::support::Page| page.header("x-request-id").unwrap().to_owned();
    let (refused, unmatched) = (id(&page), id(&nowhere));
    let log = server.stop().stderr;
    for (id, method, route, status) in
        [(refused, "GET", "/tokens/export/{format}", "403"), (unmatched, "GET", "unmatched", "404")]
    {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&id) && line.contains("answered")).collect();
        let [line] = lines[..] else { panic!("one line for {id}: {log}") };
        assert!(line.contains(&format!("method={method} route=\"{route}\" status={status} ms=")), "{line}");
    }
    assert!(!log.contains("mauve") && !log.contains("no-such-place"), "{log}");
}

#[tokio::test]
async fn every_route_is_named_in_the_log_even_where_the_method_is_wrong() {
    let deployment = Deployment::keeping().set("RUST_LOG", "debug");
    let server = deployment.serve();
    let browser = server.browser();
    let mut expected = Vec::new();
    for (method, path, route, status) in [
        (Method::GET, "/", "/", "200"),
        (Method::POST, "/", "/", "405"),
        (Method::GET, "/static/nothing", "/static/{name}", "404"),
        (Method::GET, "/healthz", "/healthz", "200"),
        (Method::GET, "/api/token", "/api/token", "401"),
        (Method::DELETE, "/api/token", "/api/token", "405"),
        (Method::GET, "/api/openapi.json", "/api/openapi.json", "401"),
        (Method::GET, "/metrics", "/metrics", "401"),
        (Method::PUT, "/proxy/forms/1", "/proxy/{*path}", "401"),
        (Method::POST, "/oauth/token", "/oauth/token", "400"),
        (Method::GET, "/oauth/token", "/oauth/token", "405"),
        (Method::GET, "/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server", "200"),
    ] {
        let line = format!("method={method} route=\"{route}\" status={status} ms=");
        let page = browser.send(method, &browser.url(path), |request| request).await;
        expected.push((page.header("x-request-id").unwrap().to_owned(), line));
    }
    let log = server.stop().stderr;
    for (id, expected) in expected {
        let answered = log.lines().find(|line| line.contains(&id) && line.contains("answered"));
        assert!(answered.is_some_and(|line| line.contains(&expected)), "{expected}: {log}");
    }
}

/// Every line of a log as JSON, with the fields that each must have.
fn json_lines(log: &str) -> Vec<Value> {
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["target"].is_string(), "{line}");
        assert!(line["message"].as_str().is_some_and(|message| !message.contains('\n')), "{line}");
    }
    lines
}

#[tokio::test]
async fn a_whole_run_is_json_from_the_first_line_to_the_last() {
    // STORE_URL and MAX_CONNECTIONS have values that cause warnings.
    let deployment = Deployment::new()
        .set("ALLOWED_USERS", "ada@example.com")
        .set("EXPRESS_SESSION", "a-session-secret-that-is-long-enough-to-keep")
        .set("STORE_URL", "memory:")
        .set("MAX_CONNECTIONS", "1000000")
        .set("LOG_FORMAT", "json")
        .set("RUST_LOG", "debug");
    let server = deployment.serve();
    let browser = server.browser();
    assert_eq!(server.log_in(&browser).await.status, 200);
    for path in ["/healthz", "/readyz", "/auth/videoask/callback?state=x&error=y"] {
        browser.get(path).await;
    }
    let nowhere = browser.get("/nowhere").await;
    let log = server.stop().stderr;
    let lines = json_lines(&log);
    let of = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{log}"));
    assert!(lines.iter().any(|line| line["level"] == "WARN"), "{log}");
    let ready = of("ready");
    assert_eq!((&ready["mode"], &ready["store"]), (&"keep".into(), &"memory:".into()), "{ready}");
    assert_eq!(ready["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(lines.last().unwrap()["message"], "stopped", "{log}");
    let probes: Vec<_> =
        lines.iter().filter(|line| line["route"] == "/healthz" || line["route"] == "/readyz").collect();
    assert!(probes.len() == 2 && probes.iter().all(|line| line["level"] == "DEBUG"), "{log}");
    let of_nowhere = |line: &&Value| line["span"]["id"].as_str() == nowhere.header("x-request-id");
    let mut answered = lines.iter().filter(of_nowhere).filter(|line| line["message"] == "answered");
    let (Some(answered), None) = (answered.next(), answered.next()) else { panic!("one request, one line: {log}") };
    assert_eq!((&answered["method"], &answered["level"]), (&"GET".into(), &"INFO".into()));
    assert_eq!((&answered["route"], &answered["status"]), (&"unmatched".into(), &404.into()));
    assert!(answered["ms"].is_f64(), "{answered}");
    for line in &lines {
        assert!(line["span"]["id"].is_null() || line["id"].is_null() && line["spans"].is_null(), "twice: {line}");
    }
}

#[test]
fn what_keeps_it_from_starting_is_json_too() {
    let wrong = Deployment::new().set("LOG_FORMAT", "json").set("APP_URL", "nonsense").set("PKCE", "maybe");
    let finished = wrong.run(&["serve"]);
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let problems = json_lines(&finished.stderr);
    assert_eq!(problems.len(), 2, "{finished:?}");
    for (problem, name) in problems.iter().zip(["APP_URL", "PKCE"]) {
        assert_eq!(problem["level"], "ERROR");
        assert!(problem["message"].as_str().is_some_and(|message| message.starts_with(name)), "{problem}");
    }

    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let unlucky = Deployment::new().set("LOG_FORMAT", "json").set("RUST_LOG", "error").set("PORT", &port);
    let finished = unlucky.run(&["serve"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let [line] = &json_lines(&finished.stderr)[..] else { panic!("one line: {finished:?}") };
    assert!(line["message"].as_str().is_some_and(|message| message.contains(&port)), "{line}");
}
