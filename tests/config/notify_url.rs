use super::*;

const WEBHOOK: &str = "https://hooks.example.com/services/T0/B0/canary-key?thread=1";

#[test]
fn is_a_secret_that_nothing_shows() {
    let config = config(&[("ALLOWED_USERS", "u-1"), ("NOTIFY_URL", WEBHOOK)]);
    assert!(config.notify_url.is_some());
    assert!(!format!("{config:?}").contains("hooks.example.com"), "{config:?}");
}

#[test]
fn may_come_from_a_file() {
    let folder = folder("");
    std::fs::write(folder.path().join("webhook"), format!("{WEBHOOK}\n")).unwrap();
    let environment = pairs(&[("ALLOWED_USERS", "u-1"), ("NOTIFY_URL_FILE", "webhook")]);
    assert!(load_in(folder.path(), &environment).unwrap().config.notify_url.is_some());
}

#[test]
fn is_https_or_http_to_this_machine() {
    for url in [WEBHOOK, "http://localhost:9000/hook", "http://127.0.0.1:9000", "http://[::1]/?key=1"] {
        assert!(config(&[("ALLOWED_USERS", "u-1"), ("NOTIFY_URL", url)]).notify_url.is_some(), "{url}");
    }
    for url in [
        "http://hooks.example.com/canary-key",
        "hooks.example.com/canary-key",
        "ftp://hooks.example.com/canary-key",
        "https://user:canary-key@hooks.example.com/",
        "https://hooks.example.com/#canary-key",
    ] {
        let problems = refused(&[("ALLOWED_USERS", "u-1"), ("NOTIFY_URL", url)]);
        assert_eq!(about(&only(&problems)), "NOTIFY_URL", "{url}");
        assert!(!problems.to_string().contains("canary"), "{problems}");
    }
}

#[test]
fn needs_allowed_users() {
    assert!(problem(&[("NOTIFY_URL", WEBHOOK)]).message().contains("ALLOWED_USERS"));
}
