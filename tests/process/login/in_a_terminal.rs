//! A person at a terminal, as over ssh: a pseudo-terminal between the command and the test.

use std::{fs, io::Write, process::Command};

use super::{PYTHON, START, browser, values};
use crate::support::{Deployment, Program, browser::Browser};

/// Python that runs a command in a pseudo-terminal: what is written to stdin is typed, and what the terminal shows goes
/// to stdout.
const TERMINAL: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/// Runs a line of shell in a pseudo-terminal. `$0` is the program.
fn terminal(deployment: &Deployment, line: &str) -> Command {
    let mut command = Command::new(PYTHON);
    command.args(["-c", TERMINAL, "sh", "-c", line, env!("CARGO_BIN_EXE_videoask-auth")]);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(deployment.path());
    command
}

#[tokio::test]
async fn an_address_is_pasted_into_it_and_the_tokens_go_to_a_file() {
    let deployment = Deployment::new();
    let (mut program, mut keyboard) =
        Program::start_typing(terminal(&deployment, "exec \"$0\" login --paste > tokens"));
    let to_open = program.line(Program::stdout, "/authorize?").trim().to_owned();
    program.line(Program::stdout, "press Enter");
    let browser = Browser::new(deployment.provider.url.clone());
    keyboard.write_all(b"no address\n").unwrap();
    program.line(Program::stdout, "not the address at which the browser ends");
    let callback = browser.approve(&browser.get(&to_open).await, "ada@example.com").await;
    keyboard.write_all(format!("{callback}\n").as_bytes()).unwrap();
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let tokens = fs::read_to_string(deployment.path().join("tokens")).unwrap();
    let [access_token, _, _] = values(&tokens);
    assert_eq!(deployment.provider.owner_of(access_token).await.as_deref(), Some("ada@example.com"));
    assert!(finished.stdout.contains("Logged in as ada@example.com."), "{finished:?}");
    assert!(!finished.stdout.contains(access_token), "{finished:?}");
}

#[tokio::test]
async fn a_browser_on_the_same_machine_logs_in_while_the_terminal_waits() {
    let deployment = Deployment::at_reserved_port();
    let (mut program, keyboard) =
        Program::start_typing(terminal(&deployment, "exec \"$0\" login --no-browser --format json > tokens"));
    program.line(Program::stdout, START);
    let page = browser(&deployment).log_in("ada@example.com").await;
    assert_eq!(page.title(), "You are logged in", "{}", page.text());
    let finished = program.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(fs::read_to_string(deployment.path().join("tokens")).unwrap().contains("\"refresh_token\""));
    drop(keyboard);
}

#[test]
fn ctrl_c_cancels_it() {
    for line in ["exec \"$0\" login --paste", "exec \"$0\" login --no-browser"] {
        let deployment = Deployment::at_reserved_port();
        let (mut program, mut keyboard) = Program::start_typing(terminal(&deployment, line));
        program.line(Program::stdout, "Open this address");
        // Ctrl+C: the terminal sends SIGINT.
        keyboard.write_all(b"\x03").unwrap();
        let finished = program.finish();
        assert_eq!(finished.code, Some(1), "{line}: {finished:?}");
        assert!(finished.stdout.contains("The login was cancelled."), "{line}: {finished:?}");
    }
}
