//! `token`, `exec` and `api` with `--server`, as on another machine. The results are the same as on the machine of the
//! store.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};
use standin::{Deviation, Endpoint, Fault, Faults, User};
use tempfile::TempDir;

use crate::{
    keep::assert_fails,
    support::{Deployment, EXPIRED, Finished, Program, Server, run_in, start_in, until},
};

const KEY: &str = "key-0123456789abcdef0123456789abcdef";
/// Commands that are run both on the machine of the store and on another one.
const COMMANDS: [&[&str]; 7] = [
    &["token"],
    &["exec", "--", "/bin/sh", "-c", "printf %s \"$VIDEOASK_ACCESS_TOKEN\"; exit 7"],
    &["api", "/me"],
    &["api", "/forms?limit=10", "--paginate"],
    &["api", "/echo/here?x=1", "-X", "PUT", "--input", "/dev/null", "--organization", "org-1"],
    &["api", "/no-such-thing"],
    &["api", "/me", "-X", "HEAD"],
];

/// Another machine: an empty folder, the URL of a server, and an API key for it.
struct RemoteMachine {
    folder: TempDir,
    server: String,
    key: String,
}

impl RemoteMachine {
    fn of(server: &Server) -> Self {
        Self::at(server.url.as_str().trim_end_matches('/'), KEY)
    }

    fn at(server: &str, key: &str) -> Self {
        Self { folder: TempDir::new().unwrap(), server: server.to_owned(), key: key.to_owned() }
    }

    fn start(&self, arguments: &[&str]) -> Program {
        let variables = [("VIDEOASK_AUTH_SERVER", self.server.as_str()), ("VIDEOASK_AUTH_API_KEY", &self.key)];
        start_in(self.folder.path(), arguments, &variables)
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish()
    }
}

/// A server with Ada's connection, and another machine that uses the server.
async fn connected() -> (Deployment, Server, RemoteMachine) {
    let deployment = Deployment::keeping().set("API_KEY", KEY);
    deployment.connect("ada@example.com").await;
    let server = deployment.serve();
    let elsewhere = RemoteMachine::of(&server);
    (deployment, server, elsewhere)
}

/// The stdout of a command. If it is a response of the stand-in's `/echo`, all headers are left out that may differ
/// between the two machines.
fn without_way(stdout: &str) -> String {
    match serde_json::from_str(stdout) {
        Ok(Value::Object(mut echo)) if echo.contains_key("headers") => {
            let headers = echo["headers"].as_array().unwrap().clone();
            let named =
                |header: &&Value| ["accept", "content-type", "organization-id"].contains(&header[0].as_str().unwrap());
            let mut headers: Vec<_> = headers.iter().filter(named).map(Value::to_string).collect();
            headers.sort();
            echo.insert("headers".to_owned(), json!(headers));
            Value::Object(echo).to_string()
        }
        _ => stdout.to_owned(),
    }
}

/// Runs commands on both machines, and asserts that the results are the same. Returns the exit codes.
fn assert_same(
    deployment: &Deployment,
    elsewhere: &RemoteMachine,
    commands: &[&[&str]],
    state: &str,
) -> Vec<Option<i32>> {
    let run = |arguments: &&[&str]| {
        let (there, here) = (elsewhere.run(arguments), deployment.run(arguments));
        let result = |finished: &Finished| (finished.code, without_way(&finished.stdout));
        assert_eq!(result(&there), result(&here), "{state}, {arguments:?}: {there:?} {here:?}");
        assert_eq!(there.stderr.is_empty(), here.stderr.is_empty(), "{state}, {arguments:?}: {there:?} {here:?}");
        here.code
    };
    commands.iter().map(run).collect()
}

#[tokio::test]
async fn every_command_has_the_same_result_here_and_elsewhere() {
    let (deployment, _server, elsewhere) = connected().await;
    let standin = &deployment.provider.standin;
    let codes = assert_same(&deployment, &elsewhere, &COMMANDS, "connected");
    assert_eq!(codes, [Some(0), Some(7), Some(0), Some(0), Some(0), Some(1), Some(0)]);
    let options: [&[&str]; 6] = [
        &["token", "--min-ttl", "10m"],
        &["token", "--min-ttl", "20h"],
        &["token", "--user", "ADA@example.com"],
        &["token", "--user", "grace@example.com"],
        &["api", "/me", "--user", "grace@example.com"],
        &["token", "--user", "nobody+at@example.com"],
    ];
    let codes = assert_same(&deployment, &elsewhere, &options, "connected");
    assert_eq!(codes, [Some(0), Some(2), Some(0), Some(3), Some(3), Some(2)]);

    let limited = Fault::TooManyRequests { reset_in: None, retry_after: Some(601) };
    standin.change_faults(|faults| faults.always(Endpoint::Forms, limited));
    let lists: [&[&str]; 2] = [&["api", "/forms"], &["api", "/forms", "--paginate"]];
    assert_eq!(assert_same(&deployment, &elsewhere, &lists, "429"), [Some(1), Some(1)]);
    standin.set_faults(Faults::default());

    standin.change_faults(|faults| _ = faults.deviations.insert(Deviation::RefuseAccessTokens));
    assert_eq!(assert_same(&deployment, &elsewhere, &[&["api", "/me"]], "refused"), [Some(1)]);
    standin.set_faults(Faults::default());
    standin.change_faults(|faults| faults.always(Endpoint::Forms, Fault::Cut));
    assert_eq!(assert_same(&deployment, &elsewhere, &lists, "cut"), [Some(4), Some(4)]);
}

#[tokio::test]
async fn so_it_is_in_every_state_of_a_connection() {
    let all = |code: i32| [Some(code), Some(125), Some(code), Some(code), Some(code), Some(code), Some(code)];
    let unavailable = Fault::Status { status: 503 };
    let refusing = Fault::Error { status: 401, error: "invalid_client".to_owned(), description: String::new() };
    for (state, fault, codes) in [
        ("expired", None, [Some(0), Some(7), Some(0), Some(0), Some(0), Some(1), Some(0)]),
        ("refresh failing", Some(unavailable), all(4)),
        ("blocked", Some(refusing), all(1)),
    ] {
        let (deployment, _server, elsewhere) = connected().await;
        deployment.provider.standin.change_faults(|faults| {
            if let Some(fault) = fault {
                faults.always(Endpoint::Token, fault);
            }
        });
        deployment.clocks.set_wall_clock_ahead(EXPIRED);
        assert_eq!(assert_same(&deployment, &elsewhere, &COMMANDS, state), codes, "{state}");
    }

    let (deployment, _server, elsewhere) = connected().await;
    // The grant ends before the access token expires, so that the server cannot refresh in between.
    deployment.provider.standin.end_grants_of("ada@example.com");
    deployment.clocks.set_wall_clock_ahead(EXPIRED);
    assert_eq!(assert_same(&deployment, &elsewhere, &COMMANDS, "dead"), all(3));
    let dead = elsewhere.run(&["token"]);
    for words in ["must log in again", "VideoAsk said: ", "Log in: http://localhost:3000/auth/videoask"] {
        assert!(dead.stderr.contains(words), "{words}: {dead:?}");
    }

    // A user who is listed by an id may have the same e-mail address as another user.
    let grace = User::find("grace@example.com").expect("Grace has an account").user_id();
    let deployment =
        Deployment::keeping().set("API_KEY", KEY).set("ALLOWED_USERS", &format!("ada@example.com,{grace}"));
    deployment.connect("ada@example.com").await;
    let server = deployment.serve();
    let elsewhere = RemoteMachine::of(&server);
    let email = ("email".to_owned(), Some(json!("ada@example.com")));
    deployment.provider.standin.change_faults(|faults| faults.me = [email].into());
    deployment.connect("grace@example.com").await;
    deployment.provider.standin.set_faults(Faults::default());
    until("the second connection", || (elsewhere.run(&["token"]).code == Some(2)).then_some(()));
    assert_eq!(assert_same(&deployment, &elsewhere, &COMMANDS, "ambiguous"), all(2));
}

#[tokio::test]
async fn a_refused_token_is_replaced_from_elsewhere_too() {
    let (deployment, _server, elsewhere) = connected().await;
    let first = elsewhere.run(&["token"]).stdout;
    for min_ttl in [&[][..], &["--min-ttl", "10m"]] {
        let variables = [("VIDEOASK_AUTH_SERVER", elsewhere.server.as_str()), ("VIDEOASK_AUTH_API_KEY", KEY)];
        let arguments = [&["token", "--refused", "--user", "ada@example.com"], min_ttl].concat();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_videoask-auth"));
        command.env_clear().envs(variables).current_dir(elsewhere.folder.path()).args(arguments);
        let second = Program::start_with(command, &first).finish();
        assert_eq!((second.code, second.stderr.as_str()), (Some(0), ""), "{second:?}");
        assert_ne!(second.stdout, first);
    }
    assert_eq!(deployment.provider.standin.counters().refresh_exchanges, 2, "the import's, and the forced one");
}

#[tokio::test]
async fn the_program_gets_neither_the_server_nor_the_key() {
    let (_deployment, _server, elsewhere) = connected().await;
    let program = elsewhere.run(&["exec", "--", "/usr/bin/env"]);
    assert_eq!((program.code, program.stderr.as_str()), (Some(0), ""), "{program:?}");
    let names: Vec<&str> = program.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names, ["VIDEOASK_ACCESS_TOKEN"], "{program:?}");
}

#[tokio::test]
async fn a_key_that_is_wrong_or_too_narrow_exits_2_and_says_so() {
    let (deployment, server, elsewhere) = connected().await;
    let narrow = deployment.add_key(&["narrow", "--path", "/forms"]);
    crate::keys::until_status(&server, &narrow, "/proxy/forms", 200).await;
    let narrow = RemoteMachine::at(&elsewhere.server, &narrow);
    assert_eq!(narrow.run(&["api", "/forms", "--paginate"]).stdout.lines().count(), 45);
    for arguments in [&["token"][..], &["api", "/me"], &["api", "/forms", "--user", "grace@example.com"]] {
        let code = if arguments.len() == 4 { 3 } else { 2 };
        let words = if code == 2 { "It covers: " } else { "not connected" };
        assert_fails(&narrow.run(arguments), code, &[words]);
    }
    let wrong = RemoteMachine::at(&elsewhere.server, "key-of-another-server-0123456789abcdef");
    for arguments in [&["token"][..], &["api", "/me"], &["api", "/me", "--paginate"], &["api", "/me", "-X", "HEAD"]] {
        assert_fails(&wrong.run(arguments), 2, &["does not accept the API key in VIDEOASK_AUTH_API_KEY"]);
    }
    assert_fails(&wrong.run(&["exec", "--", "/bin/true"]), 125, &["VIDEOASK_AUTH_API_KEY"]);
    let minting = Deployment::new().serve();
    assert_fails(&RemoteMachine::of(&minting).run(&["token"]), 2, &["ALLOWED_USERS"]);
}

#[tokio::test]
async fn what_is_no_server_of_this_app_is_told_from_one_that_is_away() {
    let deployment = Deployment::keeping();
    let other = RemoteMachine::at(deployment.provider.url.as_str(), KEY);
    assert_fails(&other.run(&["token"]), 2, &["404 Not Found", "APP_URL"]);
    let plain = deployment.provider.url.as_str().replace("http://", "https://");
    for away in ["http://127.0.0.1:9", &plain] {
        for arguments in [&["token"][..], &["api", "/me"], &["api", "/me", "--paginate"]] {
            assert_fails(&RemoteMachine::at(away, KEY).run(arguments), 4, &[away, "cannot be reached"]);
        }
    }
    let gone = RemoteMachine::at(deployment.provider.url.as_str(), KEY);
    deployment.provider.standin.change_faults(|faults| faults.always(Endpoint::Api, Fault::Cut));
    assert_eq!(gone.run(&["api", "/me"]).code, Some(1), "the stand-in has no /proxy");
}

#[test]
fn no_redirect_takes_the_key_elsewhere() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let (counted, location) = (Arc::clone(&requests), format!("{url}/elsewhere"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let head = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            assert!(head.count() > 0);
            let answer =
                format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).unwrap();
        }
    });
    let elsewhere = RemoteMachine::at(&url, KEY);
    assert_fails(&elsewhere.run(&["token"]), 2, &["/elsewhere", "the API key is not sent there"]);
    assert_fails(&elsewhere.run(&["api", "/me"]), 1, &["/elsewhere", "not followed"]);
    assert_eq!(requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_server_is_named_by_the_option_or_by_the_variable() {
    let (deployment, _server, elsewhere) = connected().await;
    let token = deployment.run(&["token"]).stdout;
    let folder = elsewhere.folder.path();
    let key = [("VIDEOASK_AUTH_API_KEY", KEY), ("VIDEOASK_AUTH_SERVER", "http://127.0.0.1:9")];
    let option = ["token", "--server", elsewhere.server.as_str()];
    assert_eq!(run_in(folder, &option, &key[..1]).stdout, token);
    assert_eq!(run_in(folder, &option, &key).stdout, token, "the option outweighs the variable");
    let env_file = deployment.path().join(".env");
    let local = ["--env-file", env_file.to_str().unwrap(), "token"];
    assert_eq!(run_in(folder, &local, &key).stdout, token, "so does --env-file");

    std::fs::write(folder.join("key"), format!("{KEY}\n")).unwrap();
    assert_eq!(run_in(folder, &option, &[("VIDEOASK_AUTH_API_KEY_FILE", "key")]).stdout, token);
    assert_fails(&run_in(folder, &option, &[]), 2, &["VIDEOASK_AUTH_API_KEY (not set)", "key add"]);
    assert_fails(&run_in(folder, &option, &[("VIDEOASK_AUTH_API_KEY", "a b")]), 2, &["VIDEOASK_AUTH_API_KEY"]);
    assert_fails(&run_in(folder, &[&local[..], &option[1..]].concat(), &key), 2, &["--env-file"]);
    for (url, words) in [
        ("http://tokens.example.com", "not this machine"),
        ("https://tokens.example.com/app", "path"),
        ("https://user:password@tokens.example.com", "password"),
        ("tokens.example.com", "not a URL"),
    ] {
        let refused = run_in(folder, &["token", "--server", url], &key);
        assert_fails(&refused, 2, &["--server", words]);
        let refused = run_in(folder, &["api", "/me"], &[key[0], ("VIDEOASK_AUTH_SERVER", url)]);
        assert_fails(&refused, 2, &["VIDEOASK_AUTH_SERVER", words]);
    }
}
