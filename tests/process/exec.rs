//! The command `exec`: it becomes another program, with a token in its environment and none of this app's secrets.

use standin::Endpoint;
use videoask_auth::config::VARIABLES;

use crate::{
    keep::assert_fails,
    support::{Deployment, Finished, until},
};

const PATH: (&str, &str) = ("PATH", "/usr/local/bin:/usr/bin:/bin");

fn exec(deployment: &Deployment, command: &[&str], variables: &[(&str, &str)]) -> Finished {
    let arguments = [&["exec", "--"], command].concat();
    deployment.start(&arguments, &[&[PATH], variables].concat()).finish()
}

#[tokio::test]
async fn the_program_gets_the_token_and_none_of_our_variables() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let token = deployment.run(&["token"]).stdout;
    let secret = [("CLIENT_SECRET", "demo-client-secret"), ("SCOPES", "openid email offline_access")];
    let shared = [("HOST", "127.0.0.1"), ("PORT", "4000"), ("RUST_LOG", "warn"), ("OTHER", "stays")];
    let finished = exec(&deployment, &["env"], &[&secret[..], &shared].concat());
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(lines.contains(&format!("VIDEOASK_ACCESS_TOKEN={}", token.trim()).as_str()));
    for (name, value) in shared.iter().chain([&PATH]) {
        assert!(lines.contains(&format!("{name}={value}").as_str()), "{name}: {lines:?}");
    }
    let kept = ["HOST", "PORT", "RUST_LOG"];
    for name in VARIABLES.iter().map(|variable| variable.name()).filter(|name| !kept.contains(name)) {
        assert!(!lines.iter().any(|line| line.starts_with(&format!("{name}="))), "{name}: {lines:?}");
    }
}

#[tokio::test]
async fn a_secret_that_came_from_a_file_does_not_tell_where_the_file_is() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let deployment = deployment.set("CLIENT_SECRET", "");
    let file = deployment.path().join("secret");
    std::fs::write(&file, "demo-client-secret\n").unwrap();
    let finished = exec(&deployment, &["env"], &[("CLIENT_SECRET_FILE", file.to_str().unwrap())]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.stdout.contains("CLIENT_SECRET_FILE"), "{finished:?}");
}

#[tokio::test]
async fn the_process_becomes_the_program() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let arguments = ["exec", "--", "sh", "-c", "echo $$; echo talk >&2; read line; echo \"$line\"; exit 42"];
    let program = deployment.start_with(&arguments, "from stdin\n");
    let id = program.id().to_string();
    let finished = program.finish();
    assert_eq!(finished.code, Some(42), "{finished:?}");
    assert_eq!(finished.stdout, format!("{id}\nfrom stdin\n"));
    assert_eq!(finished.stderr, "talk\n");
}

#[tokio::test]
async fn the_token_is_no_argument_that_every_user_of_the_machine_may_read() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let token = deployment.run(&["token"]).stdout;
    let program = deployment.start(&["exec", "--", "sleep", "60"], &[PATH]);
    let arguments = until("sleep", || Some(program.arguments()).filter(|arguments| arguments.starts_with("sleep")));
    assert!(!arguments.contains(token.trim()), "{arguments}");
}

#[tokio::test]
async fn a_signal_to_the_program_is_its_own() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let program = exec(&deployment, &["sh", "-c", "kill -TERM $$; echo survived"], &[]);
    assert_eq!((program.code, program.stdout.as_str()), (None, ""), "it died of it: {program:?}");
}

#[tokio::test]
async fn failures_of_ours_are_told_from_those_of_the_program() {
    let deployment = Deployment::keeping();
    assert_fails(&exec(&deployment, &["true"], &[]), 125, &["no store"]);
    deployment.connect("ada@example.com").await;
    assert_fails(&exec(&deployment, &["no-such-program"], &[]), 127, &["cannot run no-such-program"]);
    assert_fails(&exec(&deployment, &["/"], &[]), 126, &["cannot run /"]);
    assert_eq!(exec(&deployment, &["false"], &[]).code, Some(1));
    let run = |arguments: &[&str]| deployment.run(arguments);
    assert_fails(&run(&["exec", "--user", "grace@example.com", "--", "true"]), 125, &["not connected"]);
    assert_eq!(run(&["exec", "--", "/bin/true", "--min-ttl", "20h"]).code, Some(0), "the program's own options");
    assert_fails(&exec(&Deployment::new(), &["true"], &[]), 125, &["ALLOWED_USERS"]);
    assert_eq!(deployment.provider.standin.counters().requests_to(Endpoint::Token), 2, "a code and the import");
}
