//! Arguments, help, and `healthcheck`.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{Deployment, Finished, ports::ReservedPort, run_in};

/// Runs the program in an empty folder, with only these variables in its environment.
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
fn help_fits_a_terminal() {
    let overview = run_nowhere(&["--help"], &[]).stdout;
    let (_, commands) = overview.split_once("Commands:\n").expect("help lists the commands");
    let commands: Vec<_> = commands.lines().map_while(|line| line.split_whitespace().next()).collect();
    assert!(commands.contains(&"serve") && commands.contains(&"healthcheck"), "{commands:?}");
    let mut pages: Vec<_> = commands.into_iter().map(|command| vec!["help", command]).collect();
    pages.extend(["add", "list", "remove"].map(|command| vec!["key", command, "--help"]));
    pages.push(vec!["--help"]);
    for arguments in pages {
        let help = run_nowhere(&arguments, &[]).stdout;
        assert!(help.lines().all(|line| line.chars().count() <= 120), "{help}");
    }
}

#[test]
fn what_cannot_be_understood_is_a_usage_error_that_names_it() {
    for (arguments, said) in [
        (&["nonsense"][..], "nonsense"),
        (&["--nonsense"], "--nonsense"),
        (&["serve", "extra"], "extra"),
        (&["token", "--min-ttl", "soon"], "soon"),
        (&["token", "ada@example.com"], "ada@example.com"),
        (&["status", "--yaml"], "--yaml"),
        (&["import", "a-token-that-everybody-could-read"], "a-token-that-everybody-could-read"),
        (&["forget"], "forget"),
        (&["forget", "--revoke"], "--revoke"),
        (&["demo", "--keep", "maybe"], "maybe"),
        (&["demo", "--port", "many"], "65535"),
        (&["demo", "--port", "65536"], "--port"),
        (&["demo", "--access-ttl", "soon"], "90s"),
        (&["demo", "--access-ttl", "999ms"], "1s or longer"),
        (&["demo", "--rotate", "maybe"], "on, off"),
        (&["demo", "--env-file", "some.env"], "--env-file"),
        (&["--env-file", "some.env", "demo"], "demo"),
        (&["--env-file"], "--env-file"),
        (&["--env-file", "missing.env", "serve"], "missing.env"),
        (&["--env-file", "some.env", "token", "--env-file", "other.env"], "cannot be used multiple times"),
        (&["--env-file=some.env", "token", "--env-file=some.env"], "cannot be used multiple times"),
    ] {
        let finished = run_nowhere(arguments, &[]);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(said), "{arguments:?}, {said}: {finished:?}");
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
    let nobodys = ReservedPort::new();
    let port = nobodys.number().to_string();
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
