//! Stored connections on the command line: `token`, `status` and `forget`, their exit codes, and the log of a refresh.

use std::time::Duration;

use serde_json::Value;
use standin::{Deviation, Endpoint, Fault, Rotation, User};

use crate::support::{Deployment, EXPIRED, Finished, redis::Redis};

const LOGIN: &str = "http://localhost:3000/auth/videoask";

impl Deployment {
    /// Runs a command with this on its stdin.
    pub fn feed(&self, arguments: &[&str], input: &str) -> Finished {
        self.start_with(arguments, input).finish()
    }

    /// Imports a connection of this user, and returns the refresh token that was imported.
    pub async fn connect(&self, user: &str) -> String {
        let token = self.provider.refresh_token(user).await;
        let finished = self.feed(&["import"], &token);
        assert_eq!(finished.code, Some(0), "{finished:?}");
        token
    }

    /// Like [`Deployment::connect`], but the access token has expired by the clocks of this machine, and the stand-in's
    /// counters are at zero.
    pub async fn connect_expired(&self, user: &str) {
        self.connect(user).await;
        self.clocks.set_wall_clock_ahead(self.clocks.wall_clock_ahead() + EXPIRED);
        self.provider.standin.reset_counters();
    }

    fn refreshes(&self) -> u64 {
        self.provider.standin.counters().refresh_exchanges
    }

    /// The output of `status --json`.
    pub fn status(&self) -> Value {
        let finished = self.run(&["status", "--json"]);
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
        serde_json::from_str(&finished.stdout).unwrap()
    }
}

/// Asserts a failure: this exit code, nothing on stdout, and each of these words on stderr.
pub fn assert_fails(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""), "{finished:?}");
    for word in words {
        assert!(finished.stderr.contains(word), "{word}: {finished:?}");
    }
}

#[tokio::test]
async fn a_connection_is_imported_used_shown_and_forgotten() {
    let deployment = Deployment::keeping();
    let refresh_token = deployment.connect("ada@example.com").await;

    let token = deployment.run(&["token"]);
    assert_eq!((token.code, token.stderr.as_str()), (Some(0), ""), "{token:?}");
    let access_token = token.stdout.strip_suffix('\n').expect("one line");
    assert_eq!(deployment.provider.owner_of(access_token).await.as_deref(), Some("ada@example.com"));

    let status = deployment.run(&["status"]);
    assert_eq!((status.code, status.stderr.as_str()), (Some(0), ""), "{status:?}");
    for words in ["ada@example.com (user_id ", "live", "once in all", "Next refresh", "EXPRESS_SESSION"] {
        assert!(status.stdout.contains(words), "{words}: {status:?}");
    }
    for secret in [access_token, &refresh_token] {
        assert!(!status.stdout.contains(secret) && !deployment.status().to_string().contains(secret));
    }

    let forgotten = deployment.run(&["forget", "--user", "ADA@example.com"]);
    assert_eq!((forgotten.code, forgotten.stdout.as_str()), (Some(0), ""), "{forgotten:?}");
    assert_fails(&deployment.run(&["token"]), 3, &["ada@example.com is not connected", LOGIN]);
    assert_eq!(deployment.status()["forgotten"][0]["user"], "ada@example.com");
    let again = deployment.run(&["forget", "--user", "ada@example.com"]);
    assert_eq!((again.code, again.stderr.contains("already forgotten")), (Some(0), true), "{again:?}");
    assert_fails(&deployment.run(&["forget", "--user", "grace@example.com"]), 3, &["not connected"]);
    assert_eq!(deployment.refreshes(), 1, "the import's own");
    assert_eq!(deployment.provider.standin.counters().revokes, 0, "nobody asked for it");
}

#[tokio::test]
async fn a_token_that_the_api_refused_is_replaced_once() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let refused = deployment.run(&["token"]).stdout;
    let replaced = deployment.feed(&["token", "--refused"], &refused);
    assert_eq!(replaced.code, Some(0), "{replaced:?}");
    assert_ne!(replaced.stdout, refused);
    assert_eq!(deployment.feed(&["token", "--refused"], &refused).stdout, replaced.stdout, "it is not current now");
    assert_eq!(deployment.refreshes(), 2, "the import's, and the forced one");
    assert_fails(&deployment.feed(&["token", "--refused"], "\n"), 2, &["stdin"]);
}

#[tokio::test]
async fn what_cannot_be_had_says_why_and_what_is_next_by_words_and_exit_code() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let token = |options: &[&str]| deployment.run(&[&["token"], options].concat());
    assert_fails(&token(&["--user", "grace@example.com"]), 3, &["grace@example.com is not connected", LOGIN]);
    assert_fails(
        &token(&["--user", "adah@example.com"]),
        2,
        &["adah@example.com is neither connected nor in ALLOWED_USERS"],
    );
    assert_fails(&token(&["--user", ""]), 2, &["--user"]);
    assert_fails(&token(&["--min-ttl", "13h"]), 2, &["--min-ttl", "43200 s"]);
    for enough in ["0s", "0", "600", "10m", "43200"] {
        assert_eq!(token(&["--min-ttl", enough]).code, Some(0), "{enough}");
    }
    assert_fails(&token(&["--min-ttl", "43201"]), 2, &["43200 s"]);
    assert_fails(&token(&["--min-ttl", "soon"]), 2, &["--min-ttl"]);
    let deployment = deployment.set("ALLOWED_USERS", "grace@example.com");
    let unlisted = deployment.run(&["token", "--user", "ada@example.com"]);
    assert_fails(&unlisted, 2, &["not in ALLOWED_USERS", "videoask-auth forget"]);
    let status = &deployment.status()["connections"][0];
    assert!(status["obstacle"].as_str().unwrap().contains("ALLOWED_USERS"), "{status}");
    assert_eq!(deployment.run(&["forget", "--user", "ada@example.com"]).code, Some(0));
}

#[tokio::test]
async fn an_ended_grant_a_refusal_and_an_absence_are_told_apart() {
    let deployment = Deployment::keeping();
    let standin = &deployment.provider.standin;
    deployment.connect_expired("ada@example.com").await;
    standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::Status { status: 502 }));
    assert_fails(&deployment.run(&["token"]), 4, &["at the moment", "status"]);

    deployment.connect_expired("grace@example.com").await;
    standin.end_grants_of("grace@example.com");
    let ended = deployment.run(&["token", "--user", "grace@example.com"]);
    assert_fails(&ended, 3, &["must log in again", "invalid_grant", "past its lifetime", LOGIN]);
    assert_eq!(deployment.run(&["token", "--user", "grace@example.com"]).code, Some(3));
    assert_eq!(standin.counters().refresh_refusals, 1, "a dead token is not sent again");
    let status = deployment.run(&["status"]).stdout;
    for words in ["reconnect-required", "invalid_grant", "Next step        Log in again."] {
        assert!(status.contains(words), "{words}: {status}");
    }

    let deployment = Deployment::keeping();
    deployment.connect_expired("ada@example.com").await;
    let deployment = deployment.set("CLIENT_SECRET", "a-secret-with-a-typo");
    assert_fails(&deployment.run(&["token"]), 1, &["refuses", "invalid_client", "CLIENT_SECRET", "check"]);
}

#[tokio::test]
async fn a_user_who_must_act_at_videoask_is_told_to_log_in_again_by_status_and_token() {
    let deployment = Deployment::keeping();
    deployment.connect_expired("ada@example.com").await;
    let refusal = Fault::Error { status: 403, error: "mfa_required".into(), description: "MFA required".into() };
    deployment.provider.standin.change_faults(|faults| faults.always(Endpoint::Token, refusal));
    let words = ["mfa_required", "Log in again.", LOGIN];
    assert_fails(&deployment.run(&["token"]), 1, &words);
    let status = deployment.run(&["status"]).stdout;
    for words in ["blocked", "mfa_required", "Next step        Log in again.", LOGIN] {
        assert!(status.contains(words), "{words}: {status}");
    }
    assert_eq!(deployment.status()["login_url"], LOGIN);
}

/// Runs `token`, and returns the one line that it logs about its refresh.
fn refresh_line(deployment: &Deployment) -> String {
    let finished = deployment.start(&["token"], &[("RUST_LOG", "info")]).finish();
    let connection = deployment.status()["connections"][0].clone();
    let (id, user_id) = (connection["connection_id"].as_str().unwrap(), connection["user_id"].as_str().unwrap());
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| line.contains(id)).collect();
    let [line] = lines.as_slice() else { panic!("one line: {finished:?}") };
    assert!([user_id, "generation=", "duration_ms="].iter().all(|words| line.contains(words)), "{line}");
    assert!(deployment.run(&["status"]).stdout.contains(&format!("{id} (generation ")));
    (*line).to_owned()
}

#[tokio::test]
async fn each_refresh_is_one_line_in_the_log_with_its_level_and_what_to_do() {
    let error = |status, error: &str| Fault::Error { status, error: error.into(), description: "words".into() };
    for (fault, words) in [
        (None, &["INFO", "outcome=\"refreshed\""][..]),
        (Some(Fault::Status { status: 503 }), &["WARN", "outcome=\"transient\"", "status 503", "next_try="]),
        (Some(error(401, "invalid_client")), &["ERROR", "outcome=\"blocked\"", "CLIENT_SECRET", "videoask-auth check"]),
        (Some(error(403, "login_required")), &["ERROR", "outcome=\"blocked\"", "likely_cause=", "Log in again."]),
        (Some(error(403, "invalid_grant")), &["ERROR", "outcome=\"dead\"", "likely_cause=", "Log in again."]),
    ] {
        let deployment = Deployment::keeping();
        deployment.connect_expired("ada@example.com").await;
        deployment.provider.standin.change_faults(|faults| {
            if let Some(fault) = fault {
                faults.next(Endpoint::Token, 1, fault);
            }
        });
        let line = refresh_line(&deployment);
        assert!(words.iter().all(|words| line.contains(words)), "{words:?}: {line}");
    }
}

#[tokio::test]
async fn a_lost_response_is_in_the_log_and_is_the_recorded_cause_of_what_follows() {
    let rotation = Rotation::On { leeway: Duration::ZERO };
    let deployment = Deployment::keeping_before_tenant(|options| options.rotation = rotation);
    deployment.connect_expired("ada@example.com").await;
    let standin = &deployment.provider.standin;
    standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::ReplyLost));
    let finished = deployment.run(&["token"]);
    assert_fails(&finished, 3, &["A response was lost, and the retry counted as reuse", "Log in again", LOGIN]);
    let warned = finished.stderr.lines().find(|line| line.contains("WARN") && line.contains("was lost"));
    assert!(warned.is_some_and(|line| line.contains("connection=") && line.contains("user_id=")), "{finished:?}");
    assert!(deployment.run(&["status"]).stdout.contains("A response was lost, and the retry counted as reuse"));
    assert_eq!(standin.counters().spent_tokens_seen, 1);
}

#[tokio::test]
async fn a_login_is_a_line_in_the_log_with_the_user() {
    let deployment = Deployment::keeping();
    let server = deployment.serve();
    server.log_in(&server.browser()).await;
    let ended = server.stop();
    let user_id = User::find("ada@example.com").unwrap().user_id();
    let line = ended.stderr.lines().find(|line| line.contains("INFO") && line.contains("logged in")).unwrap();
    assert!(line.contains(&user_id) && line.contains("connection="), "{line}");
}

#[tokio::test]
async fn connections_that_cannot_be_decrypted_are_told_with_the_fix() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    deployment.connect("grace@example.com").await;
    let deployment = deployment.set("EXPRESS_SESSION", "another-session-secret-that-is-long-enough-to-keep");
    let words = ["2 connections cannot be decrypted with this EXPRESS_SESSION", "EXPRESS_SESSION_PREVIOUS"];
    for arguments in [&["token"][..], &["forget", "--user", "ada@example.com"], &["exec", "--", "true"]] {
        let finished = deployment.run(arguments);
        assert_fails(&finished, if arguments[0] == "exec" { 125 } else { 2 }, &words);
        assert!(!finished.stderr.contains("not connected"), "{finished:?}");
    }
    let status = deployment.run(&["status"]);
    assert!(words.iter().all(|words| status.stdout.contains(words)), "{status:?}");
}

#[test]
fn a_store_that_is_not_there_is_named_and_not_made() {
    let deployment = Deployment::keeping();
    let path = deployment.path().canonicalize().unwrap().join("videoask-auth.db");
    for arguments in [&["token"][..], &["status"], &["forget", "--user", "ada@example.com"]] {
        assert_fails(&deployment.run(arguments), 1, &["no store", path.to_str().unwrap()]);
    }
    assert_eq!(deployment.files(), [".env"]);
}

#[test]
fn where_nothing_is_kept_allowed_users_is_named() {
    let deployment = Deployment::new();
    for arguments in [&["token"][..], &["status"], &["import"], &["forget", "--user", "ada@example.com"]] {
        assert_fails(&deployment.run(arguments), 2, &["ALLOWED_USERS", arguments[0]]);
    }
    let deployment = Deployment::keeping().set("STORE_URL", "memory:");
    assert_fails(&deployment.run(&["token"]), 2, &["memory:"]);
    let deployment = Deployment::keeping().set("STORE_URL", "redis://127.0.0.1:9");
    assert_fails(&deployment.run(&["token"]), 4, &["127.0.0.1:9"]);
}

#[tokio::test]
async fn a_revoke_that_is_not_confirmed_can_be_tried_again() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let standin = &deployment.provider.standin;
    standin.change_faults(|faults| faults.next(Endpoint::Revoke, 1, Fault::Status { status: 503 }));
    let revoke = ["forget", "--user", "ada@example.com", "--revoke"];
    assert_fails(&deployment.run(&revoke), 4, &["did not confirm", "again"]);
    assert_eq!(deployment.run(&["token"]).code, Some(3), "nothing is handed out");
    let status = deployment.run(&["status"]).stdout;
    assert!(status.contains("Next step        Run `videoask-auth forget --revoke --user "), "{status}");
    let revoked = deployment.run(&revoke);
    assert_eq!(revoked.code, Some(0), "{revoked:?}");
    assert_eq!(standin.counters().revokes, 1);
}

#[tokio::test]
async fn a_connection_without_a_refresh_token_is_used_until_it_expires_and_then_needs_a_login() {
    const LIMIT: &str = "Not refreshed    The login returned no refresh token";
    let deployment = Deployment::keeping();
    deployment.provider.standin.set_deviations([Deviation::NoRefreshToken]);
    let server = deployment.serve();
    server.log_in(&server.browser()).await;
    server.stop();
    let status = deployment.run(&["status"]).stdout;
    assert!(status.contains(LIMIT) && !status.contains("Not used") && !status.contains("Next step"), "{status}");
    let check = deployment.run(&["check", "--offline"]);
    assert!(check.code == Some(0) && check.stdout.contains("note ada@example.com is connected"), "{check:?}");
    assert_eq!(deployment.run(&["token"]).code, Some(0));

    deployment.clocks.set_wall_clock_ahead(EXPIRED);
    assert_fails(&deployment.run(&["token"]), 3, &[LOGIN]);
    let status = deployment.run(&["status"]).stdout;
    assert!(status.contains(LIMIT) && status.contains(&format!("Log in           {LOGIN}")), "{status}");
    let check = deployment.run(&["check", "--offline"]);
    let problem = check.stdout.lines().find(|line| line.starts_with("FAIL"));
    assert_eq!((check.code, problem), (Some(1), Some("FAIL the access token of ada@example.com has expired")));
    assert!(check.stdout.contains(LOGIN), "{check:?}");
}

#[tokio::test]
async fn what_a_former_secret_sealed_is_counted_and_can_be_used() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let deployment = deployment
        .set("EXPRESS_SESSION", "the-secret-that-comes-after-the-first-one")
        .set("EXPRESS_SESSION_PREVIOUS", "a-session-secret-that-is-long-enough-to-keep");
    // The two are the connection and the tombstone of its import.
    assert_eq!(deployment.status()["sealed_by"], serde_json::json!({"current": 0, "previous": [2], "unknown": 0}));
    assert!(deployment.run(&["status"]).stdout.contains("2 by number 1 of EXPRESS_SESSION_PREVIOUS"));
    assert_eq!(deployment.run(&["token"]).code, Some(0));
}

#[test]
fn a_new_store_is_told_when_it_is_made_and_never_again() {
    const NEW: &str = "mount a volume at /data, or use Redis";
    let deployment = Deployment::keeping();
    assert!(deployment.serve().stop().stderr.contains(NEW));
    assert!(!deployment.serve().stop().stderr.contains(NEW));
}

#[test]
fn a_redis_that_evicts_is_refused_and_one_that_forgets_is_told() {
    let evicting = Redis::start_with(&["--maxmemory-policy", "allkeys-lru"]);
    let deployment = Deployment::keeping().set("STORE_URL", &evicting.url_text(None));
    for command in [&["serve"][..], &["check", "--offline"]] {
        let refused = deployment.run(command);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert!(said.contains("allkeys-lru") && said.contains("noeviction"), "{refused:?}");
    }
    let forgetting = Redis::start_with(&[]);
    let deployment = Deployment::keeping().set("STORE_URL", &forgetting.url_text(None));
    assert!(deployment.serve().stop().stderr.contains("a restart of the store forgets"));
    let told = deployment.run(&["check", "--offline"]);
    assert!(told.code == Some(0) && told.stdout.contains("a restart of the store forgets"), "{told:?}");
}

#[tokio::test]
async fn status_says_by_its_exit_code_whether_a_person_is_needed_now_or_soon() {
    let deployment = Deployment::keeping().set("REFRESH_TOKEN_LIFETIME", "1d");
    let exit_code = || {
        assert_eq!(deployment.run(&["status"]).code, Some(0));
        let finished = deployment.run(&["status", "--exit-code"]);
        assert!(finished.stdout.contains("ada@example.com (user_id "), "{finished:?}");
        (finished.code, finished.stderr)
    };
    deployment.connect("ada@example.com").await;
    assert_eq!(exit_code(), (Some(0), String::new()));
    deployment.clocks.set_wall_clock_ahead(22 * 60 * 60);
    assert_eq!(exit_code().0, Some(0), "the last 5 % begin after 22.8 hours");
    deployment.clocks.set_wall_clock_ahead(23 * 60 * 60);
    assert_eq!(exit_code(), (Some(4), "a connection soon needs a person\n".to_owned()));
    deployment.connect_expired("grace@example.com").await;
    deployment.provider.standin.end_grants_of("grace@example.com");
    assert_eq!(deployment.run(&["token", "--user", "grace@example.com"]).code, Some(3));
    assert_eq!(exit_code(), (Some(3), "a connection needs a person now\n".to_owned()));
}
