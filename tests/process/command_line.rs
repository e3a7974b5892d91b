//! Arguments, help, and `healthcheck`.

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{Deployment, Finished, run_in};

/// Runs it where there is no `.env`, with nothing in the environment but these.
fn run_nowhere(arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    run_in(TempDir::new().unwrap().path(), arguments, variables)
}

#[test]
fn help_and_version_go_to_stdout() {
    for arguments in [&["--help"][..], &["-h"], &["help"], &["demo", "--help"], &["--version"], &["-V"]] {
        let finished = run_nowhere(arguments, &[]);
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!finished.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(run_nowhere(&["--version"], &[]).stdout, format!("videoask-auth {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_names_every_command_there_is_and_none_that_is_not() {
    let help = run_nowhere(&["--help"], &[]).stdout;
    let named = |word: &str| help.lines().any(|line| line.split_whitespace().next() == Some(word));
    for command in
        ["serve", "demo", "token", "forms", "exec", "status", "import", "forget", "key", "check", "healthcheck"]
    {
        assert!(named(command), "{command}: {help}");
    }
}

#[test]
fn help_fits_a_terminal() {
    for arguments in [&["--help"][..], &["demo", "--help"], &["check", "--help"]] {
        let help = run_nowhere(arguments, &[]).stdout;
        assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    }
}

#[test]
fn what_cannot_be_understood_is_a_usage_error() {
    for arguments in [
        &["nonsense"][..],
        &["--nonsense"],
        &["serve", "extra"],
        &["token", "--min-ttl", "soon"],
        &["token", "ada@example.com"],
        &["status", "--yaml"],
        &["import", "a-token-that-everybody-could-read"],
        &["forget"],
        &["forget", "--revoke"],
        &["demo", "--keep", "maybe"],
        &["demo", "--port", "many"],
        &["demo", "--port", "65536"],
        &["demo", "--access-ttl", "soon"],
        &["demo", "--rotate", "maybe"],
        &["demo", "--env-file", "some.env"],
        &["--env-file", "some.env", "demo"],
        &["--env-file"],
        &["--env-file", "missing.env", "serve"],
        &["--env-file", "some.env", "token", "--env-file", "other.env"],
    ] {
        let finished = run_nowhere(arguments, &[]);
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert_eq!(finished.stdout, "", "{arguments:?}");
        let culprit = arguments.iter().rev().find(|word| finished.stderr.contains(**word));
        assert!(culprit.is_some(), "it names what it did not understand, {arguments:?}: {finished:?}");
    }
}

#[test]
fn the_env_file_may_stand_before_and_after_the_command() {
    let deployment = Deployment::keeping();
    let file = deployment.path().join(".env");
    let file = file.to_str().unwrap();
    let equals = format!("--env-file={file}");
    for arguments in [
        &["--env-file", file, "check", "--offline"][..],
        &["check", "--offline", "--env-file", file],
        &["check", "--env-file", file, "--offline"],
        &[&equals, "check", "--offline"],
    ] {
        let finished = run_nowhere(arguments, &[]);
        assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
        assert!(finished.stdout.contains(file), "{arguments:?}: {finished:?}");
    }
    let server = deployment.serve_by(&["--env-file", file]);
    assert_eq!(server.stop().code, Some(0));
    let finished = run_nowhere(&["--env-file", file, "status"], &[]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[test]
fn an_env_file_before_and_one_after_the_command_are_refused() {
    for arguments in [
        &["--env-file", "some.env", "token", "--env-file", "other.env"][..],
        &["--env-file=some.env", "token", "--env-file=some.env"],
    ] {
        let finished = run_nowhere(arguments, &[]);
        assert_eq!(finished.code, Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains("cannot be used multiple times"), "{arguments:?}: {finished:?}");
    }
    let finished = run_nowhere(&["--env-file", "some.env", "exec", "--", "true", "--env-file", "other.env"], &[]);
    assert!(finished.stderr.contains("some.env"), "what follows `--` belongs to the program: {finished:?}");
}

#[test]
fn wrong_usage_of_exec_has_the_exit_code_of_env() {
    for arguments in [
        &["exec"][..],
        &["--env-file", "some.env", "exec"],
        &["--env-file=some.env", "exec", "--"],
        &["--nonsense", "exec", "--", "true"],
        &["exec", "--nonsense", "--", "true"],
        &["--env-file", "some.env", "exec", "--min-ttl", "soon", "--", "true"],
        &["--env-file", "some.env", "exec", "--", "true"],
        &["exec", "--env-file", "some.env", "--", "true"],
        &["exec", "--env-file"],
        &["--env-file", "some.env", "exec", "--env-file", "other.env", "--", "true"],
    ] {
        let finished = run_nowhere(arguments, &[]);
        assert_eq!(finished.code, Some(125), "{arguments:?}: {finished:?}");
    }
    assert_eq!(run_nowhere(&["exec", "--help"], &[]).code, Some(0));
    for arguments in [&["token", "exec"][..], &["--env-file", "exec", "--nonsense"], &["nonsense", "exec"]] {
        assert_eq!(run_nowhere(arguments, &[]).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_wrong_value_is_answered_by_what_may_stand_there() {
    for (option, value, hint) in
        [("--port", "many", "65535"), ("--access-ttl", "soon", "90s"), ("--rotate", "maybe", "on, off")]
    {
        let finished = run_nowhere(&["demo", option, value], &[]);
        assert!(finished.stderr.contains(option) && finished.stderr.contains(hint), "{finished:?}");
    }
}

#[test]
fn the_healthcheck_needs_nothing_but_the_port() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let port = server.url.port().unwrap().to_string();
    for host in ["127.0.0.1", "0.0.0.0", "localhost"] {
        let finished = run_nowhere(&["healthcheck"], &[("PORT", &port), ("HOST", host)]);
        assert_eq!(finished.code, Some(0), "{host}: {finished:?}");
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("", ""));
    }
}

#[test]
fn the_healthcheck_fails_where_nothing_listens_or_something_else_does() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let finished = run_nowhere(&["healthcheck"], &[("PORT", &port)]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains(&format!("127.0.0.1:{port}")), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");

    let other = Deployment::new();
    let port = other.provider.url.port().unwrap().to_string();
    let finished = run_nowhere(&["healthcheck"], &[("PORT", &port)]);
    assert_eq!(finished.code, Some(1), "another program's 404 is no health: {finished:?}");
    assert!(finished.stderr.contains("404"), "{finished:?}");
}

#[test]
fn the_healthcheck_reads_the_port_from_a_broken_env_file_too() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let port = server.url.port().unwrap().to_string();
    let other = Deployment::new().set("PORT", &port).set("APP_URL", "nonsense").set("CLIENT_SECRET", "");
    assert_eq!(other.run(&["healthcheck"]).code, Some(0));
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_panic() {
    let deployment = Deployment::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_videoask-auth"));
    command.env_clear().current_dir(deployment.path()).arg("check").stderr(Stdio::piped());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
