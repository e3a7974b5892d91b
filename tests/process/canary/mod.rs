//! No secret is shown where it does not belong: not on a page, in a header, by a command or in the log, even at the
//! level `trace`. The secrets are those in the configuration, and those that a proxy records between the app and the
//! provider.

pub mod complete;
mod machine;
mod page_walk;

use std::{fs, net::TcpListener};

use page_walk::PageWalk;

use crate::support::{Deployment, RecordingProxy, Secrets, receiver::HOOK_KEY, redis::Redis};

const CLIENT_SECRET: &str = "canary-client-secret-5f1d0c";
const EXPRESS_SESSION: &str = "canary-express-session-90ac77";
const PREVIOUS: &str = "canary-previous-session-3be8d1";
const API_KEY: &str = "canary-api-key-b7720e-0123456789abcdef";
const STORE_PASSWORD: &str = "canary-store-password-c41f6a";

/// A deployment with recognizable secrets, and the recording proxy in front of its provider.
fn deployment() -> (Deployment, RecordingProxy) {
    let deployment = Deployment::with_client_secret(CLIENT_SECRET);
    let tap = RecordingProxy::before(&deployment.provider.url);
    let (url, issuer) = (tap.url.to_string(), deployment.provider.url.to_string());
    let deployment = deployment
        .set("VIDEOASK_AUTH_URL", &url)
        .set("VIDEOASK_API_URL", &url)
        .set("ISSUER", &issuer)
        .set("EXPRESS_SESSION", EXPRESS_SESSION)
        .set("EXPRESS_SESSION_PREVIOUS", PREVIOUS)
        .set("EXCHANGE_TIMEOUT", "3s")
        .set("RUST_LOG", "trace");
    (deployment, tap)
}

/// The secrets in the configuration.
fn canaries() -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add("CLIENT_SECRET", CLIENT_SECRET);
    secrets.add("EXPRESS_SESSION", EXPRESS_SESSION);
    secrets.add("EXPRESS_SESSION_PREVIOUS", PREVIOUS);
    secrets.add("STORE_URL", STORE_PASSWORD);
    secrets.add("API_KEY", API_KEY);
    secrets.add("NOTIFY_URL", HOOK_KEY);
    secrets
}

/// Asserts that no text has a secret in it. Each text comes after the place where it was seen.
fn assert_nothing_told(secrets: &Secrets, seen: &[(String, String)]) {
    let scanner = secrets.scanner();
    for (place, text) in seen {
        let told = scanner.found_in(text);
        assert!(told.is_empty(), "{place} tells {told:?}: {text}");
    }
}

#[tokio::test]
async fn no_page_log_line_or_header_of_a_server_tells_a_secret() {
    let mut redis = Redis::start_with(&["--requirepass", STORE_PASSWORD]);
    let store = redis.url_text(Some(STORE_PASSWORD));
    let (deployment, tap) = deployment();
    let deployment = deployment.set("STORE_URL", &store);
    let server = deployment.serve();
    let mut walk = PageWalk::new(&deployment, &server);
    walk.every_route().await;
    walk.every_login().await;
    walk.every_route().await;
    walk.every_mood_of_the_provider().await;
    redis.kill();
    walk.log_in().await;
    walk.every_route().await;

    let PageWalk { mut seen, shown, mut secrets, .. } = walk;
    secrets.add_from_wire(&tap.heard());
    seen.push(("the arguments".to_owned(), server.program.arguments()));
    let stopped = server.stop();
    seen.push(("stdout".to_owned(), stopped.stdout));
    seen.push(("the log".to_owned(), stopped.stderr));
    assert_nothing_told(&secrets, &seen);

    // The proxy recorded the secrets, and the pages that show tokens were visited. Otherwise the test would prove
    // nothing.
    let names = secrets.names();
    for name in [
        "client_secret",
        "code_verifier",
        "STORE_URL",
        "cookie",
        "access_token",
        "refresh_token",
        "id_token",
        "code",
        "state",
    ] {
        assert!(names.contains(name), "{name} was never seen: {names:?}");
    }
    assert!(secrets.found_in(&shown.concat()).is_superset(&["access_token", "refresh_token"].into()));
    assert!(seen.last().is_some_and(|(_, log)| log.contains("answered") && log.contains("a page failed")));
    for status in ["400", "403", "404", "405", "409", "413", "502", "503", "504"] {
        assert!(seen.iter().any(|(place, _)| place.starts_with(status)), "no page with {status} was seen");
    }
}

#[tokio::test]
async fn no_command_tells_a_secret_however_it_ends() {
    let (good, tap) = deployment();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let redis = Redis::start_with(&["--requirepass", "another-password"]);
    let wrong_password = redis.url_text(Some(STORE_PASSWORD));
    let nowhere = format!("redis://:{STORE_PASSWORD}@127.0.0.1:9");

    let mut seen = Vec::new();
    let mut note = |deployment: &Deployment, arguments: &[&str]| {
        let finished = deployment.run(arguments);
        seen.push((format!("{arguments:?}"), format!("{}{}", finished.stdout, finished.stderr)));
    };
    for arguments in [&["check"][..], &["check", "--offline"], &["healthcheck"], &["--help"], &["--nonsense"]] {
        note(&good, arguments);
    }
    let mut deployment = good;
    for (name, value) in [
        ("PORT", port.as_str()),
        ("STORE_URL", &wrong_password),
        ("STORE_URL", &nowhere),
        ("CLIENT_ID", "another-client"),
        ("ISSUER", "https://issuer.example/"),
        ("STORE_URL", &format!("redis://:{STORE_PASSWORD}@host:port:port")),
        ("STORE_URL", &format!("mysql://:{STORE_PASSWORD}@host")),
        ("APP_URL", "nonsense"),
        ("CLIENT_SECRET", &format!("'{CLIENT_SECRET}")),
        ("EXPRESS_SESSION", &format!("\"{EXPRESS_SESSION}$\"")),
    ] {
        deployment = deployment.set(name, value);
        note(&deployment, &["serve"]);
        note(&deployment, &["check"]);
    }
    let mut secrets = canaries();
    secrets.add_from_wire(&tap.heard());
    assert!(secrets.names().contains("code_verifier"), "check has exchanged a made-up code");
    assert_nothing_told(&secrets, &seen);
}

#[tokio::test]
async fn nothing_secret_lies_readable_in_the_store() {
    let (deployment, tap) = deployment();
    let server = deployment.serve();
    let page = server.log_in(&server.browser()).await;
    let mut secrets = canaries();
    secrets.add_from_wire(&tap.heard());
    assert!(!secrets.found_in(&page.text()).is_empty());
    for name in deployment.files().iter().filter(|name| name.starts_with("videoask-auth.db")) {
        let bytes = fs::read(deployment.path().join(name)).unwrap();
        let told = secrets.found_in(&String::from_utf8_lossy(&bytes));
        assert!(told.is_empty(), "{name} tells {told:?}");
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn the_scanner_finds_what_leaks_whole_encoded_cut_or_in_part() {
    let mut secrets = Secrets::default();
    secrets.add("password", "p+ss/word=with&signs");
    secrets.add("token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ-and-more.c2lnbmF0dXJlLW9mLXRva2Vu");
    secrets.add_from_wire("POST /oauth/token\r\n\r\ngrant_type=authorization_code&code=a-code-from-the-wire&x=1");
    for (leak, name) in [
        ("the log says p+ss/word=with&signs.", "password"),
        ("/?q=p%2Bss%2Fword%3Dwith%26signs", "password"),
        ("cut: eyJhbGciOiJSUzI1NiJ9.eyJz…", "token"),
        ("the end: c2lnbmF0dXJlLW9mLXRva2Vu", "token"),
        ("code=a-code-from-the-wire", "code"),
    ] {
        assert_eq!(secrets.found_in(leak), [name].into(), "{leak}");
    }
    assert!(secrets.found_in("p+ss and eyJh and a-code are no leaks").is_empty());
}
