//! The command `login`: a login without a running server, with a browser on this machine, or with an address that is
//! pasted.

mod in_a_terminal;
mod pasted;
mod waiting;

use std::{fs, net::TcpListener, path::Path, process::Command};

use reqwest::Method;
use standin::{Deviation, Endpoint, Fault, User};

use self::waiting::{WaitingLogin, browser};
use crate::support::{Deployment, Program, RecordingProxy, Secrets, start_in, until};
use crate::{
    documents::{installed, root},
    support::documents::{Proof, blocks},
};

/// The path that starts a login.
const START: &str = "/auth/videoask";
/// The path to which VideoAsk redirects the browser.
const CALLBACK: &str = "/auth/videoask/callback";

/// The Python that `scripts/python` makes, with the packages that the tests need.
const PYTHON: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../python/bin/python3");

/// The values of the lines for `.env`, in the order of the lines.
fn values(stdout: &str) -> [&str; 3] {
    let names = ["VIDEOASK_ACCESS_TOKEN", "VIDEOASK_REFRESH_TOKEN", "VIDEOASK_EXPIRES_AT"];
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines.len(), names.len(), "{stdout}");
    let value = |at: usize| lines[at].strip_prefix(names[at]).and_then(|rest| rest.strip_prefix('='));
    [0, 1, 2].map(|at| value(at).unwrap_or_else(|| panic!("{stdout}")))
}

#[tokio::test]
async fn mint_mode_prints_both_tokens_and_stores_nothing() {
    let deployment = Deployment::at_reserved_port();
    let (page, finished) = WaitingLogin::start(&deployment, &[]).log_in("ada@example.com").await;
    assert_eq!((page.status, page.title().as_str()), (200, "You are logged in"), "{}", page.text());
    assert!(page.text().contains("ada@example.com"), "the page says whose login it was: {}", page.text());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let [access_token, refresh_token, expires_at] = values(&finished.stdout);
    assert_eq!(deployment.provider.owner_of(access_token).await.as_deref(), Some("ada@example.com"));
    assert!(finished.stderr.contains("Logged in as ada@example.com."), "{finished:?}");
    assert!(expires_at.ends_with('Z'), "{expires_at}");
    assert_eq!(deployment.files(), [".env"]);
    for told in [&finished.stderr, &page.text()] {
        assert!(!told.contains(access_token) && !told.contains(refresh_token), "{told}");
    }
}

#[tokio::test]
async fn the_tokens_can_be_had_as_json() {
    let deployment = Deployment::at_reserved_port();
    let (_, finished) = WaitingLogin::start(&deployment, &["--format", "json"]).log_in("ada@example.com").await;
    let tokens: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(deployment.provider.owner_of(access_token).await.as_deref(), Some("ada@example.com"));
    assert!(tokens["refresh_token"].is_string() && tokens["expires_in"].is_u64(), "{tokens}");
    assert_eq!(tokens["user"], "ada@example.com");
}

#[tokio::test]
async fn what_is_appended_to_the_env_file_is_read_by_this_program_and_by_python() {
    let deployment = Deployment::at_reserved_port();
    let env = deployment.path().join(".env");
    assert!(!fs::read_to_string(&env).unwrap().ends_with('\n'), "the hard case: its last line is not ended");
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" login --no-browser >> .env", env!("CARGO_BIN_EXE_videoask-auth")]);
    shell.env_clear().current_dir(deployment.path());
    let (_, finished) = WaitingLogin::of(&deployment, Program::start(shell)).log_in("ada@example.com").await;
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{finished:?}");

    let checked = deployment.run(&["check", "--offline"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!checked.stdout.contains("VIDEOASK_"), "no line of it is taken for a mistake: {checked:?}");
    let script = "import dotenv, json; print(json.dumps(dotenv.dotenv_values('.env')))";
    assert!(Path::new(PYTHON).exists(), "run scripts/python first: it makes the Python for the tests");
    let read = Command::new(PYTHON).args(["-c", script]).current_dir(deployment.path()).output().unwrap();
    let read: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap_or_else(|_| panic!("{read:?}"));
    assert_eq!(read["APP_URL"], deployment.variable("APP_URL"));
    let access_token = read["VIDEOASK_ACCESS_TOKEN"].as_str().unwrap();
    assert_eq!(deployment.provider.owner_of(access_token).await.as_deref(), Some("ada@example.com"));
}

#[tokio::test]
async fn the_lines_in_the_documents_put_the_tokens_into_a_file() {
    let lines: Vec<String> = blocks(root(), Proof::Login)
        .iter()
        .flat_map(|block| {
            block.text.lines().map(|line| line.replace("cargo run --release --", "videoask-auth")).collect::<Vec<_>>()
        })
        .collect();
    for line in lines {
        let (command, file) = line.rsplit_once(' ').expect("it names a file");
        let deployment = Deployment::at_reserved_port();
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-euc", &line])
            .env_clear()
            .env("PATH", installed(deployment.path()))
            .current_dir(deployment.path());
        let (_, finished) = WaitingLogin::of(&deployment, Program::start(shell)).log_in("ada@example.com").await;
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{command}: {finished:?}");
        let written = fs::read_to_string(deployment.path().join(file)).unwrap();
        for name in ["access_token", "refresh_token", "expires_at"] {
            assert!(written.to_ascii_lowercase().contains(name), "{line}: {written}");
        }
    }
}

#[tokio::test]
async fn keep_mode_stores_the_connection_and_prints_nothing() {
    let deployment = Deployment::at_reserved_port().keep();
    let (page, finished) = WaitingLogin::start(&deployment, &[]).log_in("ada@example.com").await;
    assert_eq!((page.status, page.title().as_str()), (200, "You are logged in"), "{}", page.text());
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{finished:?}");
    assert!(finished.stderr.contains("A new, empty store was created"), "{finished:?}");
    let id = User::find("ada@example.com").unwrap().user_id();
    assert!(finished.stderr.contains(&format!("ada@example.com (user_id {id}) is connected")), "{finished:?}");
    let token = deployment.run(&["token"]).stdout;
    assert_eq!(deployment.provider.owner_of(token.trim()).await.as_deref(), Some("ada@example.com"));
}

#[tokio::test]
async fn a_login_without_a_refresh_token_keeps_the_connection_that_has_one() {
    let deployment = Deployment::at_reserved_port().keep();
    let (_, first) = WaitingLogin::start(&deployment, &[]).log_in("ada@example.com").await;
    assert_eq!(first.code, Some(0), "{first:?}");
    deployment.provider.standin.change_faults(|faults| faults.deviations.extend([Deviation::NoRefreshToken]));
    let (_, second) = WaitingLogin::start(&deployment, &[]).log_in("ada@example.com").await;
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.stderr.contains("brought no refresh token, so the connection from before"), "{second:?}");
}

#[tokio::test]
async fn a_login_that_is_denied_ends_with_1_and_the_browser_is_told_the_same() {
    for deployment in [Deployment::at_reserved_port(), Deployment::at_reserved_port().keep()] {
        let waiting = WaitingLogin::start(&deployment, &[]);
        let page = waiting.browser.begin().await;
        let page = waiting.browser.follow(waiting.browser.decide(&page, "ada@example.com", "deny").await).await;
        let finished = waiting.program.finish();
        assert_eq!((page.status, page.title().as_str()), (403, "VideoAsk did not grant access"), "{}", page.text());
        assert!(page.text().contains("run the command again"), "{}", page.text());
        assert!(!page.text().contains("class=\"button primary\""), "nothing is served from now on: {}", page.text());
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
        assert!(finished.stderr.contains("VideoAsk did not grant access."), "{finished:?}");
    }
}

#[tokio::test]
async fn a_user_who_is_not_listed_ends_it_with_2_and_nothing_is_stored() {
    let deployment = Deployment::at_reserved_port().keep();
    let (page, finished) = WaitingLogin::start(&deployment, &[]).log_in("eve@example.com").await;
    assert_eq!((page.status, page.title().as_str()), (403, "You are not on this app's list"), "{}", page.text());
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{finished:?}");
    let id = User::find("eve@example.com").unwrap().user_id();
    for told in ["You are not on this app's list", "ALLOWED_USERS", &id] {
        assert!(finished.stderr.contains(told), "{told}: {finished:?}");
    }
    assert_eq!(deployment.run(&["token", "--user", &id]).code, Some(2));
}

#[tokio::test]
async fn nothing_but_its_own_callback_ends_the_wait() {
    let deployment = Deployment::at_reserved_port();
    let waiting = WaitingLogin::start(&deployment, &[]);
    let callback = waiting.callback("ada@example.com").await;
    let stranger = browser(&deployment);
    let query = callback.query().unwrap();
    let another_state = format!("{CALLBACK}?code=0123456789&state=of-another-login");
    let denied = format!("{CALLBACK}?error=access_denied&state=of-another-login");
    let whole = format!("{CALLBACK}?{query}");
    for (browser, path, status) in [
        (&stranger, "/favicon.ico", 200),
        (&stranger, "/robots.txt", 200),
        (&stranger, "/", 303),
        (&stranger, "/tokens", 404),
        (&stranger, "/static/none.css", 404),
        (&stranger, CALLBACK, 400),
        (&stranger, &another_state, 400),
        (&waiting.browser, &another_state, 400),
        (&waiting.browser, &denied, 400),
        (&stranger, &whole, 400),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}: {}", page.text());
        assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    }
    let post = waiting.browser.post(CALLBACK).await;
    let head = waiting.browser.send(Method::HEAD, &callback, |request| request).await;
    assert_eq!((post.status, head.status), (405, 405));

    let page = waiting.browser.get(callback.as_str()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let finished = waiting.program.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    values(&finished.stdout);
}

#[tokio::test]
async fn a_second_callback_neither_ends_nor_spoils_the_login() {
    let deployment = Deployment::at_reserved_port();
    let waiting = WaitingLogin::start(&deployment, &[]);
    let standin = &deployment.provider.standin;
    let (first, other_tab) = (waiting.callback("ada@example.com").await, waiting.callback("grace@example.com").await);
    standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::HeldReply));
    let browser = waiting.browser.clone();
    let callback = first.clone();
    let finishing = tokio::spawn(async move { browser.get(callback.as_str()).await });
    reached(&deployment, Endpoint::Token).await;
    for again in [&first, &other_tab] {
        let page = waiting.browser.get(again.as_str()).await;
        assert_eq!((page.status, page.title().as_str()), (400, "This login link was already used"), "{}", page.text());
    }
    standin.release_replies();
    assert_eq!(finishing.await.unwrap().status, 200);
    let finished = waiting.program.finish();
    assert_eq!(standin.counters().requests_to(Endpoint::Token), 1, "{finished:?}");
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("ada@example.com"), "{finished:?}");
}

async fn reached(deployment: &Deployment, endpoint: Endpoint) {
    while deployment.provider.standin.counters().requests_to(endpoint) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn the_checks_are_those_of_the_server() {
    for (deviation, title) in [
        (Deviation::WrongCallbackIssuer, "The answer came from an unexpected issuer"),
        (Deviation::WrongNonce, "The login could not be verified"),
        (Deviation::BrokenSignature, "The login could not be verified"),
        (Deviation::RefusePkce, "VideoAsk could not log you in"),
    ] {
        let deployment = Deployment::at_reserved_port();
        deployment.provider.standin.change_faults(|faults| faults.deviations.extend([deviation]));
        let waiting = WaitingLogin::start(&deployment, &[]);
        let (page, finished) = match deviation {
            Deviation::RefusePkce => waiting.refused().await,
            _ => waiting.log_in("ada@example.com").await,
        };
        assert_eq!(page.title(), title, "{deviation:?}: {}", page.text());
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{deviation:?}: {finished:?}");
        assert!(finished.stderr.starts_with("Open") && finished.stderr.contains(title), "{deviation:?}: {finished:?}");
    }
}

#[tokio::test]
async fn what_passes_by_itself_ends_with_4() {
    let deployment = Deployment::at_reserved_port();
    let waiting = WaitingLogin::start(&deployment, &[]);
    deployment.provider.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::Status { status: 503 }));
    let (page, finished) = waiting.log_in("ada@example.com").await;
    assert_eq!(page.title(), "VideoAsk is busy", "{}", page.text());
    assert_eq!(finished.code, Some(4), "{finished:?}");
}

#[test]
fn a_port_that_is_taken_ends_it_with_1_and_names_the_way_without_one() {
    for host in ["127.0.0.1", "::1"] {
        let Ok(taken) = TcpListener::bind((host, 0)) else { continue };
        let port = taken.local_addr().unwrap().port();
        let deployment = Deployment::new().set("APP_URL", &format!("http://localhost:{port}")).keep();
        let finished = deployment.run(&["login", "--no-browser"]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        for told in ["cannot listen at", "login --paste", &port.to_string()] {
            assert!(finished.stderr.contains(told), "{finished:?}");
        }
        assert_eq!(deployment.files(), [".env"], "a login that cannot start makes no store");
    }
}

#[test]
fn wrong_usage_is_refused_before_anything_starts() {
    let keeping = Deployment::at_reserved_port().keep();
    let format = keeping.run(&["login", "--format", "env"]);
    assert_eq!(format.code, Some(2), "{format:?}");
    assert!(format.stderr.contains("Leave out --format"), "{format:?}");
    let keeping = keeping.set("STORE_URL", "memory:");
    assert_eq!(keeping.run(&["login"]).code, Some(2));
    assert_eq!(keeping.run(&["login", "--format", "xml"]).code, Some(2));
    assert_eq!(keeping.run(&["login", "now"]).code, Some(2));
}

#[tokio::test]
async fn a_signal_ends_the_wait_but_not_an_exchange_that_was_sent() {
    let deployment = Deployment::at_reserved_port();
    for signal in ["INT", "TERM", "HUP"] {
        let waiting = WaitingLogin::start(&deployment, &[]);
        waiting.program.signal(signal);
        let finished = waiting.program.finish();
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(1), ""), "{signal}: {finished:?}");
        assert!(finished.stderr.contains("The login was cancelled."), "{signal}: {finished:?}");
    }

    let mut waiting = WaitingLogin::start(&deployment, &[]);
    let callback = waiting.callback("ada@example.com").await;
    deployment.provider.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::HeldReply));
    let browser = waiting.browser.clone();
    let finishing = tokio::spawn(async move { browser.get(callback.as_str()).await });
    reached(&deployment, Endpoint::Token).await;
    waiting.program.signal("INT");
    assert!(waiting.program.is_running());
    deployment.provider.standin.release_replies();
    assert_eq!(finishing.await.unwrap().status, 200);
    let finished = waiting.program.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    values(&finished.stdout);
}

#[tokio::test]
async fn the_browser_is_opened_with_an_address_that_has_no_secret() {
    let deployment = Deployment::at_reserved_port();
    let desktop = deployment.path().join("xdg-open");
    fs::write(&desktop, "#!/bin/sh\necho \"$@\" > opened.new && mv opened.new opened\n").unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&desktop).status().unwrap().success());
    let path = format!("{}:/usr/bin:/bin", deployment.path().display());
    let waiting = WaitingLogin::of(&deployment, start_in(deployment.path(), &["login"], &[("PATH", &path)]));
    let opened = until("the browser", || fs::read_to_string(deployment.path().join("opened")).ok());
    assert_eq!(opened.trim(), format!("{}{START}", deployment.variable("APP_URL")));
    let (_, finished) = waiting.log_in("ada@example.com").await;
    values(&finished.stdout);
}

#[test]
fn a_browser_that_does_not_open_is_said_so() {
    let deployment = Deployment::at_reserved_port();
    let mut program = start_in(deployment.path(), &["login"], &[("PATH", "/nonexistent")]);
    program.line(Program::stderr, "No browser could be opened: open the address yourself.");
    program.signal("INT");
    assert_eq!(program.finish().code, Some(1));
}

#[tokio::test]
async fn only_stdout_tells_the_tokens() {
    for keep in [false, true] {
        let deployment = Deployment::at_reserved_port().set("RUST_LOG", "trace");
        let deployment = if keep { deployment.keep() } else { deployment };
        let tap = RecordingProxy::before(&deployment.provider.url);
        let (url, issuer) = (tap.url.to_string(), deployment.provider.url.to_string());
        let deployment = deployment.set("VIDEOASK_AUTH_URL", &url).set("VIDEOASK_API_URL", &url).set("ISSUER", &issuer);
        let waiting = WaitingLogin::start(&deployment, &[]);
        let (arguments, browser) = (waiting.program.arguments(), waiting.browser.clone());
        let (page, finished) = waiting.log_in("ada@example.com").await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let mut secrets = Secrets::default();
        secrets.add_from_wire(&tap.heard());
        secrets.add("EXPRESS_SESSION", deployment.variable("EXPRESS_SESSION"));
        for value in browser.cookie_values() {
            secrets.add("cookie", &value);
        }
        for name in ["access_token", "refresh_token", "id_token", "code", "code_verifier", "state", "nonce"] {
            assert!(secrets.names().contains(name), "{name} was never seen: {:?}", secrets.names());
        }
        for told in [&finished.stderr, &page.text(), &arguments] {
            assert!(secrets.found_in(told).is_empty(), "{:?}: {told}", secrets.found_in(told));
        }
        // An id_token counts as found, too, since it starts with the same bytes as the access token.
        let meant = if keep { [].into() } else { ["access_token", "refresh_token", "id_token"].into() };
        assert_eq!(secrets.found_in(&finished.stdout), meant, "{finished:?}");
    }
}
