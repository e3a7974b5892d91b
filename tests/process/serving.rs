//! `serve`: a Glitch app's `.env`, a login, a restart, and the log.

use serde_json::Value;

use crate::support::{Deployment, redis::Redis};

/// Logs in, restarts, and finds the same session with the same pair.
async fn a_login_outlives_a_restart(deployment: Deployment) {
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
async fn the_five_variables_of_glitch_give_a_login_that_outlives_a_restart() {
    let deployment = Deployment::new();
    a_login_outlives_a_restart(deployment).await;
}

#[tokio::test]
async fn so_they_do_with_redis() {
    let redis = Redis::start_with(&["--requirepass", "pass"]);
    let url = format!("redis://:pass@{}", redis.name().trim_start_matches("Redis at "));
    a_login_outlives_a_restart(Deployment::new().set("STORE_URL", &url)).await;
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
async fn for_machines_every_line_is_json() {
    let deployment = Deployment::new().set("LOG_FORMAT", "json");
    let server = deployment.serve();
    let page = server.browser().get("/nowhere").await;
    let log = server.stop().stderr;
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let answered: Vec<&Value> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let [line] = answered[..] else { panic!("one request, one line: {log}") };
    assert_eq!((&line["method"], &line["route"], &line["status"]), (&"GET".into(), &"unmatched".into(), &404.into()));
    assert_eq!(line["span"]["id"].as_str(), page.header("x-request-id"));
    assert!(line["ms"].as_str().is_some_and(|ms| ms.parse::<f64>().is_ok()) || line["ms"].is_f64(), "{line}");
    assert!(line["timestamp"].is_string() && line["level"] == "INFO", "{line}");
}
