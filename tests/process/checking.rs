//! The command `check`: it finds what is wrong with a setup, says how to fix it, and changes nothing.

use standin::Endpoint;

use crate::support::{
    Deployment, Finished,
    receiver::{Behaviour, HOOK_KEY, Receiver},
    until,
};

/// The fix that is printed below the first line with `problem` in it. That line must be a failed check.
fn fix<'a>(finished: &'a Finished, problem: &str) -> &'a str {
    let mut lines = finished.stdout.lines().skip_while(|line| !line.contains(problem));
    assert!(lines.next().is_some_and(|line| line.starts_with("FAIL")), "{problem}: {finished:?}");
    lines.next().and_then(|line| line.trim().strip_prefix("Fix: ")).unwrap_or_default()
}

/// Asserts that `check` exits with 1 and finds only this problem, with a fix that contains `in_fix`.
fn assert_finds(deployment: &Deployment, problem: &str, in_fix: &str) {
    let finished = deployment.run(&["check"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(fix(&finished, problem).contains(in_fix), "{finished:?}");
    assert_eq!(finished.stdout.lines().filter(|line| line.starts_with("FAIL")).count(), 1, "{finished:?}");
    assert_eq!(finished.stderr, "1 problem found\n");
}

#[test]
fn a_good_set_up_passes_and_nothing_is_made() {
    let deployment = Deployment::new();
    let finished = deployment.run(&["check"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.stdout.contains("FAIL") && !finished.stdout.contains("note"), "{finished:?}");
    let store = deployment.path().canonicalize().unwrap().join("videoask-auth.db");
    assert!(finished.stdout.contains(&format!("it will be made at {}", store.display())), "{finished:?}");
    assert!(finished.stdout.contains("http://localhost:3000/auth/videoask/callback"), "{finished:?}");
    assert_eq!(deployment.files(), [".env"]);
    assert_eq!(deployment.provider.standin.counters().code_exchanges, 0);
}

#[test]
fn a_store_in_use_is_proven_and_left_as_it_is() {
    let deployment = Deployment::new();
    let server = deployment.serve();
    let finished = deployment.run(&["check"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("the store takes writes"), "{finished:?}");
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn each_wrong_setting_is_found_with_its_fix() {
    for (name, value, problem, in_fix) in [
        ("CLIENT_ID", "someone-elses-id", "someone-elses-id", "Copy CLIENT_ID"),
        ("APP_URL", "http://localhost:4000", "is not registered", "http://localhost:4000/auth/videoask/callback"),
        ("CLIENT_SECRET", "a-secret-with-a-typo", "the client secret is wrong", "Copy CLIENT_SECRET"),
        ("STORE_URL", "sqlite://no/folder/store.db", "no/folder/store.db", "STORE_URL"),
        ("VIDEOASK_AUTH_URL", "http://127.0.0.1:9", "does not answer", "VIDEOASK_AUTH_URL"),
        (
            "VIDEOASK_API_URL",
            "http://127.0.0.1:9",
            "VideoAsk's API at http://127.0.0.1:9/ cannot be reached",
            "VIDEOASK_API_URL",
        ),
    ] {
        assert_finds(&Deployment::new().set(name, value), problem, in_fix);
    }
}

#[test]
fn a_wrong_issuer_is_found_and_the_right_one_is_told() {
    let deployment = Deployment::new().set("ISSUER", "https://auth.videoask.com/");
    let right = format!("ISSUER={}", deployment.provider.url);
    assert_finds(&deployment, "ISSUER is https://auth.videoask.com/", &right);
}

#[test]
fn a_skewed_clock_is_found_in_either_direction() {
    let deployment = Deployment::new();
    for (offset, words) in
        [(3600, "behind VideoAsk's; id_tokens would be refused"), (-3600, "ahead of VideoAsk's; logins work")]
    {
        deployment.provider.standin.change_faults(|faults| faults.clock_offset = offset);
        assert_finds(&deployment, words, "clock");
    }
}

#[tokio::test]
async fn connections_that_need_a_person_are_found() {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    let finished = deployment.run(&["check"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("ok   ada@example.com is connected"), "{finished:?}");
    assert!(finished.stdout.contains("nobody is connected as grace@example.com"), "{finished:?}");

    let deployment = deployment.set("EXPRESS_SESSION", "another-secret-that-is-long-enough-to-keep-tokens");
    assert_finds(&deployment, "1 connection cannot be decrypted with this EXPRESS_SESSION", "EXPRESS_SESSION_PREVIOUS");
    let finished = deployment.run(&["check", "--offline"]);
    assert!(finished.stdout.contains("cannot be decrypted"), "{finished:?}");
}

#[test]
fn several_problems_are_found_in_one_go() {
    let deployment = Deployment::new()
        .set("CLIENT_SECRET", "wrong")
        .set("ISSUER", "https://x.example/")
        .set("STORE_URL", "sqlite://no/store.db");
    let finished = deployment.run(&["check"]);
    assert_eq!(finished.stderr, "3 problems found\n", "{finished:?}");
}

#[test]
fn offline_asks_nothing_of_anybody() {
    let deployment = Deployment::new().set("CLIENT_SECRET", "wrong");
    let finished = deployment.run(&["check", "--offline"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("--offline"), "{finished:?}");
    let counters = deployment.provider.standin.counters();
    assert!(counters.requests.is_empty(), "{counters:?}");
    assert_eq!(counters.requests_to(Endpoint::Token), 0);
}

#[test]
fn a_broken_configuration_ends_it_before_anything_is_asked() {
    let deployment = Deployment::new().set("CLIENT_SECRET", "");
    let finished = deployment.run(&["check"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{finished:?}");
    assert!(deployment.provider.standin.counters().requests.is_empty());
}

fn notifying(receiver: &Receiver) -> Deployment {
    Deployment::keeping().set("NOTIFY_URL", receiver.url())
}

#[test]
fn a_test_event_is_sent_and_its_id_is_printed() {
    let receiver = Receiver::start();
    let deployment = notifying(&receiver);
    assert_eq!(deployment.run(&["check"]).code, Some(0));
    assert!(receiver.accepted().is_empty(), "nobody asked for it");
    let finished = deployment.run(&["check", "--notify"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
    let [event] = &receiver.accepted()[..] else { panic!("one event") };
    let id = event["id"].as_str().expect("an id");
    assert!(finished.stdout.contains(&format!("the receiver at NOTIFY_URL took the event {id}")), "{finished:?}");
    for absent in ["user", "user_id", "reason", "log_in_before"] {
        assert!(event[absent].is_null(), "{event}");
    }
    assert_eq!((&event["event"], &event["login_url"]), (&"test".into(), &"http://localhost:3000/auth/videoask".into()));
    assert!(event["text"] == event["content"] && event["text"].as_str().is_some_and(|text| text.contains("test")));
}

#[test]
fn a_receiver_that_takes_no_event_is_a_problem_with_a_fix() {
    for (behaviour, problem, in_fix) in [
        (Behaviour::Fail, "the receiver responded with status 500", "log"),
        (Behaviour::Redirect, "the receiver responded with status 307", "Redirects are not followed"),
        (Behaviour::Hang, "the receiver did not respond within 5 s", "responds before it does its work"),
    ] {
        let receiver = Receiver::start();
        receiver.behave(behaviour);
        not_taken(&notifying(&receiver), problem, in_fix);
        assert_eq!(receiver.got(behaviour).len(), 1, "a check sends it once");
        until("the end of the connection", || receiver.hanging().is_none().then_some(()));
    }
    not_taken(&notifying(&Receiver::down().receiver), "the receiver cannot be reached", "HTTPS_PROXY");
    not_taken(&Deployment::keeping(), "NOTIFY_URL is not set", "Set NOTIFY_URL");
}

fn not_taken(deployment: &Deployment, problem: &str, in_fix: &str) {
    let finished = deployment.run(&["check", "--notify"]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(1), "1 problem found\n"), "{finished:?}");
    assert!(fix(&finished, problem).contains(in_fix), "{finished:?}");
    assert!(!finished.stdout.contains(HOOK_KEY), "{finished:?}");
}
