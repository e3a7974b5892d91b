//! A program that cannot start says why: once, in plain words, with an exit code that a script can read.

use std::net::{Ipv4Addr, TcpListener};

use crate::support::{Deployment, Finished};

/// Asserts exit code 1 and one clear line on stderr, besides lines of the level INFO.
fn assert_one_line(finished: &Finished, words: &[&str]) {
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let complaints: Vec<&str> = finished.stderr.lines().filter(|line| !line.contains(" INFO ")).collect();
    let [line] = complaints[..] else { panic!("one line: {finished:?}") };
    for word in words {
        assert!(line.contains(word), "{word}: {line}");
    }
    for noise in ["panicked", "backtrace", "{", "Some(", "Error("] {
        assert!(!line.contains(noise), "{noise}: {line}");
    }
    assert_eq!(finished.stdout, "");
}

#[test]
fn a_port_in_use_is_named_with_its_variables() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let app_url = format!("http://localhost:{port}");
    let finished = Deployment::new().set("PORT", &port).set("APP_URL", &app_url).run(&["serve"]);
    assert_one_line(&finished, &[&format!("127.0.0.1:{port}"), "HOST", "PORT", "in use"]);
}

#[test]
fn an_address_that_is_not_this_machines_is_named() {
    let finished = Deployment::new().set("HOST", "192.0.2.1").run(&["serve"]);
    assert_one_line(&finished, &["192.0.2.1:0", "HOST"]);
}

#[test]
fn a_store_that_cannot_be_written_is_named_with_the_fix() {
    // Nobody can create files there, not even root.
    let finished = Deployment::new().set("STORE_URL", "sqlite:///sys/kernel/store.db").run(&["serve"]);
    assert_one_line(&finished, &["/sys/kernel/store.db", "cannot be written", "folder"]);

    let deployment = Deployment::new().set("STORE_URL", "sqlite://sealed/store.db");
    deployment.sealed_folder("sealed");
    assert_one_line(&deployment.run_unprivileged(&["serve"]), &["sealed/store.db", "cannot be written", "folder"]);
}

#[test]
fn a_store_without_its_folder_is_named_by_its_absolute_path() {
    let deployment = Deployment::new().set("STORE_URL", "sqlite://no/such/folder.db");
    let path = deployment.path().canonicalize().unwrap().join("no/such/folder.db");
    assert_one_line(&deployment.run(&["serve"]), &[path.to_str().unwrap(), "STORE_URL"]);
}

#[test]
fn a_redis_that_nobody_answers_for_is_named_without_its_password() {
    let finished = Deployment::new().set("STORE_URL", "redis://:hidden@127.0.0.1:9/2").run(&["serve"]);
    assert_one_line(&finished, &["127.0.0.1:9", "cannot be reached", "STORE_URL"]);
    assert!(!finished.stderr.contains("hidden"));
}

#[test]
fn all_that_is_wrong_with_the_configuration_is_told_at_once_and_no_secret_with_it() {
    let deployment = Deployment::new()
        .set("CLIENT_ID", "")
        .set("CLIENT_SECRET", "'unclosed-quote-secret")
        .set("APP_URL", "https://old.glitch.me")
        .set("EXPRESS_SESSION", "tiny-secret")
        .set("PORT", "many")
        .set("STORE_URL", "mysql://root:db-password@host/db");
    for command in ["serve", "check"] {
        let finished = deployment.run(&[command]);
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.starts_with("6 problems found"), "{finished:?}");
        assert_eq!(finished.stderr.matches("\n  Fix: ").count(), 6, "{finished:?}");
        for secret in ["unclosed-quote-secret", "tiny-secret", "db-password"] {
            assert!(!finished.stderr.contains(secret), "{finished:?}");
        }
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn who_has_set_nothing_is_told_where_it_goes_and_how_to_try_without() {
    let folder = tempfile::TempDir::new().unwrap();
    let finished = crate::support::run_in(folder.path(), &[], &[]);
    assert_eq!(finished.code, Some(2));
    for name in ["CLIENT_ID", "CLIENT_SECRET", "APP_URL", "EXPRESS_SESSION", ".env.example", "videoask-auth demo"] {
        assert!(finished.stderr.contains(name), "{name}: {finished:?}");
    }
}
