//! The command `api`: requests to VideoAsk's API with a stored connection, and lists that are read to their end.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use standin::{Deviation, Endpoint, Fault};

use crate::{
    keep::assert_fails,
    support::{Deployment, Finished, until},
};

const MIB: usize = 1 << 20;
/// 32 times what the memory may grow by.
const LARGE: usize = 256 * MIB;

async fn connected() -> Deployment {
    let deployment = Deployment::keeping();
    deployment.connect("ada@example.com").await;
    deployment
}

impl Deployment {
    fn deviations(&self, deviations: &[Deviation]) {
        self.provider.standin.change_faults(|faults| faults.deviations = deviations.iter().copied().collect());
    }
}

/// Starts the command with pipes as its stdin, stdout and stderr.
fn piped(deployment: &Deployment, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_videoask-auth"));
    command.env_clear().current_dir(deployment.path()).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The JSON that a command printed. The command must have succeeded, with nothing on stderr.
fn json_of(finished: &Finished) -> Value {
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn header(echo: &Value, name: &str) -> Option<String> {
    let headers = echo["headers"].as_array().unwrap();
    headers.iter().find(|header| header[0] == name).map(|header| header[1].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_body_is_on_stdout_as_it_came_and_the_request_is_as_asked() {
    let deployment = connected().await;
    let me = json_of(&deployment.run(&["api", "/me"]));
    assert_eq!(me["email"], "ada@example.com");
    assert_eq!(json_of(&deployment.run(&["api", "forms?limit=2"]))["results"].as_array().map(Vec::len), Some(2));

    let echo = json_of(&deployment.run(&["api", "/echo/a%20b;c?x=1&y=%2F"]));
    assert_eq!((&echo["method"], &echo["path"]), (&json!("GET"), &json!("/echo/a%20b;c")));
    assert_eq!((&echo["query"], &echo["body"]["length"]), (&json!("x=1&y=%2F"), &json!(0)));
    assert_eq!((header(&echo, "content-type"), header(&echo, "organization-id")), (None, None));
    assert!(header(&echo, "accept").is_some_and(|accept| accept.starts_with("application/json")));

    let echo = json_of(&deployment.run(&["api", "-X", "delete", "--organization", "org-1", "/echo"]));
    assert_eq!((&echo["method"], header(&echo, "organization-id").as_deref()), (&json!("DELETE"), Some("org-1")));
    let head = deployment.run(&["api", "-X", "HEAD", "/echo"]);
    assert_eq!((head.code, head.stdout.as_str(), head.stderr.as_str()), (Some(0), "", ""), "{head:?}");

    let elsewhere = deployment.set("ORGANIZATION_ID", "org-2");
    let organization = |arguments: &[&str]| header(&json_of(&elsewhere.run(arguments)), "organization-id");
    assert_eq!(organization(&["api", "/echo"]).as_deref(), Some("org-2"));
    assert_eq!(organization(&["api", "/echo", "--organization", "org-3"]).as_deref(), Some("org-3"));
}

#[tokio::test]
async fn a_body_comes_from_a_file_or_from_stdin() {
    let deployment = connected().await;
    fs::write(deployment.path().join("changes.json"), "{\"title\": \"x\"}").unwrap();
    fs::write(deployment.path().join("empty"), "").unwrap();
    for (arguments, method, text) in [
        (&["api", "/echo", "--input", "changes.json"][..], "POST", "{\"title\": \"x\"}"),
        (&["api", "/echo", "-X", "PATCH", "--input", "changes.json"], "PATCH", "{\"title\": \"x\"}"),
        (&["api", "/echo", "--input", "-"], "POST", "from stdin"),
        (&["api", "/echo", "-X", "PUT", "--input", "empty"], "PUT", ""),
    ] {
        let echo = json_of(&deployment.feed(arguments, "from stdin"));
        assert_eq!((&echo["method"], &echo["body"]["text"]), (&json!(method), &json!(text)), "{arguments:?}");
        assert_eq!(header(&echo, "content-length"), Some(text.len().to_string()), "{arguments:?}");
        assert_eq!(header(&echo, "content-type").as_deref(), Some("application/json"));
    }
    assert_fails(&deployment.run(&["api", "/echo", "--input", "missing"]), 2, &["missing", "No such file"]);
    assert_fails(&deployment.run(&["api", "/echo", "--input", "."]), 2, &["directory"]);
}

/// The peak of a process's memory, in bytes.
fn peak(process: &Child) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it runs");
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn a_large_response_leaves_no_trace_in_memory() {
    let deployment = connected().await;
    let mut process = piped(&deployment, &["api", &format!("/streams/zeros/{LARGE}")]);
    let mut stdout = process.stdout.take().unwrap();
    let mut buffer = vec![0; MIB];
    stdout.read_exact(&mut buffer).unwrap();
    let before = peak(&process);
    // The process cannot have ended: the rest of the response is more than a pipe holds.
    (2..LARGE / MIB).for_each(|_| stdout.read_exact(&mut buffer).unwrap());
    let grown = peak(&process).saturating_sub(before);
    assert_eq!(stdout.read_to_end(&mut Vec::new()).unwrap(), MIB);
    assert_eq!(process.wait().unwrap().code(), Some(0));
    assert!(grown < 8 * MIB, "it grew by {grown} bytes");
}

#[tokio::test]
async fn a_large_request_leaves_no_trace_in_memory() {
    let deployment = connected().await;
    let mut process = piped(&deployment, &["api", "/echo", "--input", "-"]);
    let mut stdin = process.stdin.take().unwrap();
    let read = || usize::try_from(deployment.provider.standin.counters().bytes_read).unwrap();
    let buffer = vec![b'x'; MIB];
    (0..4).for_each(|_| stdin.write_all(&buffer).unwrap());
    until("the start of it", || (read() >= 2 * MIB).then_some(()));
    let before = peak(&process);
    (4..LARGE / MIB).for_each(|_| stdin.write_all(&buffer).unwrap());
    let grown = peak(&process).saturating_sub(before);
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let echo: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(echo["body"]["length"], LARGE);
    assert!(grown < 8 * MIB, "it grew by {grown} bytes");
}

#[tokio::test]
async fn what_comes_is_printed_at_once_and_a_reader_that_goes_away_ends_it_quietly() {
    let deployment = connected().await;
    let standin = &deployment.provider.standin;
    let mut process = piped(&deployment, &["api", "/streams/fed"]);
    until("a stream", || (standin.counters().open_streams == 1).then_some(()));
    standin.feed("some");
    let mut stdout = process.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 4]).unwrap();
    drop(stdout);
    standin.feed("more");
    let output = process.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{output:?}");

    let mut process = piped(&deployment, &["api", "/forms?limit=1", "--paginate"]);
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{output:?}");
    assert_eq!(standin.counters().requests_to(Endpoint::Forms), 1, "no page is read for nobody");
}

/// The ids of the forms that a command printed, one object a line.
fn form_ids(finished: &Finished) -> Vec<String> {
    let id = |line: &str| {
        let form: Value = serde_json::from_str(line).expect("each line is an object");
        form["form_id"].as_str().expect("a form has an id").to_owned()
    };
    finished.stdout.lines().map(id).collect()
}

#[tokio::test]
async fn a_list_is_read_to_its_end_however_badly_it_is_paged() {
    let deployment = connected().await;
    let all = form_ids(&deployment.run(&["api", "/forms", "--paginate"]));
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (45, 45));
    let badly = [Deviation::ChangingCounts, Deviation::EmptyPage, Deviation::RepeatedNext, Deviation::ForeignNext];
    for deviations in [&[Deviation::BareLists][..], &badly[..1], &badly[1..2], &badly[2..3], &badly[3..], &badly[..]] {
        deployment.deviations(deviations);
        for path in ["/forms", "/forms?limit=10", "/forms?limit=100&offset=0"] {
            let list = deployment.run(&["api", path, "--paginate"]);
            assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""), "{deviations:?} {path}: {list:?}");
            assert_eq!(form_ids(&list), all, "{deviations:?} {path}");
        }
    }
    deployment.deviations(&[Deviation::BareLists, Deviation::IgnoredOffset]);
    assert_eq!(form_ids(&deployment.run(&["api", "/forms?limit=10", "--paginate"])), all[..10]);
    assert_eq!(deployment.run(&["api", "/organizations", "--paginate"]).stdout.lines().count(), 2);
}

#[tokio::test]
async fn a_list_without_an_end_fails_after_all_that_is_on_it() {
    let deployment = connected().await;
    deployment.deviations(&[Deviation::EndlessPages]);
    let list = deployment.run(&["api", "/forms", "--paginate"]);
    assert_eq!((list.code, form_ids(&list).len()), (Some(1), 45), "{list:?}");
    assert!(list.stderr.contains("nothing new"), "{list:?}");
    deployment.deviations(&[Deviation::EndlessPages, Deviation::IgnoredOffset]);
    let list = deployment.run(&["api", "/forms", "--paginate"]);
    assert_eq!((list.code, form_ids(&list).len()), (Some(1), 20), "{list:?}");
}

#[tokio::test]
async fn a_list_waits_where_videoask_limits_the_rate_and_a_single_request_does_not() {
    let deployment = connected().await;
    let standin = &deployment.provider.standin;
    let limited = |retry_after| Fault::TooManyRequests { reset_in: None, retry_after };
    standin.change_faults(|faults| {
        faults.next(Endpoint::Forms, 1, limited(None));
        faults.next(Endpoint::Forms, 1, Fault::Slow { ms: 0 });
        faults.next(Endpoint::Forms, 1, limited(Some(1)));
    });
    let list = deployment.run(&["api", "/forms", "--paginate"]);
    assert_eq!((list.code, form_ids(&list).len()), (Some(0), 45), "{list:?}");
    assert_eq!(list.stderr.matches("waiting 1 s").count(), 2, "{list:?}");

    standin.change_faults(|faults| {
        faults.next(Endpoint::Forms, 1, Fault::Slow { ms: 0 });
        faults.next(Endpoint::Forms, 1, limited(Some(601)));
    });
    let list = deployment.run(&["api", "/forms", "--paginate"]);
    assert_eq!((list.code, form_ids(&list).len()), (Some(1), 20), "more than ten minutes: {list:?}");
    for words in ["429", "Global limit", "in 601 s", "before /forms?limit=20&offset=20 is on stdout"] {
        assert!(list.stderr.contains(words), "{words}: {list:?}");
    }

    standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, limited(Some(7))));
    let once = deployment.run(&["api", "/forms"]);
    assert_eq!(once.code, Some(1), "{once:?}");
    assert!(once.stdout.contains("too_many_requests") && once.stderr.contains("in 7 s"), "{once:?}");
}

#[tokio::test]
async fn an_error_of_the_api_is_on_stdout_and_exits_1() {
    let deployment = connected().await;
    let standin = &deployment.provider.standin;
    let missing = deployment.run(&["api", "/no-such-thing"]);
    assert_eq!((missing.code, missing.stdout.as_str()), (Some(1), "{\"detail\":\"Not found.\"}"), "{missing:?}");
    assert!(missing.stderr.contains("404 Not Found"), "{missing:?}");
    assert_fails(&deployment.run(&["api", "/no-such-thing", "--paginate"]), 1, &["404 Not Found: Not found."]);
    assert_fails(&deployment.run(&["api", "/me", "--paginate"]), 1, &["not a list", "Leave out --paginate"]);

    let forbidden = deployment.run(&["api", "/forms", "--organization", "of-somebody-else"]);
    assert_eq!(forbidden.code, Some(1), "{forbidden:?}");
    assert!(forbidden.stdout.contains("permission") && forbidden.stderr.contains("ORGANIZATION_ID"), "{forbidden:?}");
    for (fault, on_stdout, words) in [
        (Fault::Html { status: 502 }, "<!doctype html>", &["502 Bad Gateway"][..]),
        (Fault::Redirect, "", &["307", "/echo/redirected", "not followed"]),
    ] {
        standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, fault));
        let failed = deployment.run(&["api", "/forms"]);
        assert_eq!(failed.code, Some(1), "{failed:?}");
        assert!(failed.stdout.starts_with(on_stdout), "{failed:?}");
        assert!(words.iter().all(|word| failed.stderr.contains(word)), "{failed:?}");
    }
    assert_eq!(standin.counters().requests_to(Endpoint::Echo), 0, "no redirect is followed");
}

#[tokio::test]
async fn a_401_forces_one_refresh_and_sends_the_body_again() {
    let deployment = connected().await;
    let standin = &deployment.provider.standin;
    standin.change_faults(|faults| faults.next(Endpoint::Echo, 1, Fault::Unauthorized));
    let echo = json_of(&deployment.feed(&["api", "/echo", "--input", "-"], "a body"));
    assert_eq!(echo["body"]["text"], "a body");
    assert_eq!(standin.counters().refresh_exchanges, 2, "the import's, and the forced one");

    deployment.deviations(&[Deviation::RefuseAccessTokens]);
    let refused = deployment.run(&["api", "/me"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stdout.contains("Token has expired."), "{refused:?}");
    assert!(refused.stderr.contains("videoask-auth status"), "{refused:?}");
    assert_eq!(standin.counters().refresh_exchanges, 2, "none for ten minutes");
}

#[tokio::test]
async fn what_does_not_come_whole_is_tried_again_later() {
    let deployment = connected().await;
    let standin = &deployment.provider.standin;
    standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::Cut));
    assert_fails(&deployment.run(&["api", "/forms"]), 4, &["may have arrived"]);
    standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::CutHalfway));
    let halved = deployment.run(&["api", "/forms"]);
    assert_eq!(halved.code, Some(4), "{halved:?}");
    assert!(halved.stderr.contains("not the whole response"), "{halved:?}");
    standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::CutHalfway));
    assert_fails(&deployment.run(&["api", "/forms", "--paginate"]), 4, &["Try again later"]);
    let elsewhere = deployment.set("VIDEOASK_API_URL", "http://127.0.0.1:9");
    assert_fails(&elsewhere.run(&["api", "/forms"]), 4, &["could not be reached", "Nothing was sent"]);
}

#[tokio::test]
async fn a_user_without_a_connection_is_told_to_log_in() {
    let deployment = connected().await;
    let grace = deployment.run(&["api", "/me", "--user", "grace@example.com"]);
    assert_fails(&grace, 3, &["grace@example.com is not connected"]);
    assert_fails(&deployment.run(&["api", "/me", "--user", "eve@example.com"]), 2, &["ALLOWED_USERS"]);
    assert_fails(&Deployment::new().run(&["api", "/me"]), 2, &["ALLOWED_USERS"]);
}

#[tokio::test]
async fn what_leads_away_from_the_api_is_wrong_usage() {
    let deployment = connected().await;
    for (arguments, words) in [
        (&["api"][..], "PATH"),
        (&["api", "https://evil.example/forms"], "nowhere else"),
        (&["api", "//evil.example/forms"], "another path"),
        (&["api", "/../forms"], "another path"),
        (&["api", "/forms/%2e%2e/me"], "another path"),
        (&["api", "/forms#top"], "fragment"),
        (&["api", "/me", "-X", "CONNECT"], "GET"),
        (&["api", "/me", "-X", "a b"], "GET"),
        (&["api", "/me", "--organization", "a b"], "/organizations"),
        (&["api", "/me", "--paginate", "-X", "POST"], "--paginate"),
        (&["api", "/me", "--paginate", "--input", "-"], "--paginate"),
        (&["forms"], "videoask-auth api /forms --paginate"),
        (&["forms", "--json"], "videoask-auth api /forms --paginate"),
    ] {
        assert_fails(&deployment.run(arguments), 2, &[words]);
    }
    assert_eq!(deployment.provider.standin.counters().requests_to(Endpoint::Forms), 0);
}
