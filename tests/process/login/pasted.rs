//! A browser on another machine: the user pastes the address at which the browser ends.

use std::{io::Write, process::ChildStdin};

use standin::{Deviation, Endpoint, Fault};
use url::Url;

use super::{CALLBACK, reached, values};
use crate::support::{Deployment, Finished, Program, RecordingProxy, Secrets, browser::Browser, typing_in, until};

/// A command that waits for an address to be pasted.
struct WaitingLogin {
    program: Program,
    stdin: ChildStdin,
    browser: Browser,
    /// What the command says to open.
    to_open: String,
}

impl WaitingLogin {
    fn start(deployment: &Deployment, options: &[&str]) -> Self {
        let (mut program, stdin) = typing_in(deployment, &[&["login"], options].concat());
        let to_open = program.line(Program::stderr, "/authorize?").trim().to_owned();
        program.line(Program::stderr, "press Enter");
        Self { program, stdin, browser: Browser::new(deployment.provider.url.clone()), to_open }
    }

    /// The address at which the browser ends after this user approves.
    async fn callback(&self, user: &str) -> Url {
        self.browser.approve(&self.browser.get(&self.to_open).await, user).await
    }

    fn paste(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Pastes a wrong line, and waits until the command says why it is wrong.
    fn paste_in_vain(&mut self, line: &str, why: &str) {
        let times = |program: &Program| program.stderr().matches(why).count();
        let before = times(&self.program);
        self.paste(line);
        until(why, || (times(&self.program) > before).then_some(()));
    }

    fn finish(mut self, line: &str) -> Finished {
        self.paste(line);
        self.program.finish()
    }
}

#[tokio::test]
async fn mint_mode_prints_the_tokens_of_the_address_that_was_pasted() {
    let deployment = Deployment::new();
    let waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let callback = waiting.callback("ada@example.com").await;
    let finished = waiting.finish(callback.as_str());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let [access_token, _, _] = values(&finished.stdout);
    assert_eq!(deployment.provider.owner_of(access_token).await.as_deref(), Some("ada@example.com"));
    assert_eq!(deployment.files(), [".env"]);
}

#[tokio::test]
async fn an_address_of_another_machine_is_pasted_without_being_asked_for_and_keep_mode_stores_the_connection() {
    let elsewhere = "https://tokens.example.com";
    let deployment = Deployment::before_tenant(|options| options.callbacks = vec![format!("{elsewhere}{CALLBACK}")]);
    let deployment = deployment.set("APP_URL", elsewhere).keep();
    let waiting = WaitingLogin::start(&deployment, &[]);
    let callback = waiting.callback("grace@example.com").await;
    let finished = waiting.finish(callback.as_str());
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{finished:?}");
    let token = deployment.run(&["token", "--user", "grace@example.com"]).stdout;
    assert_eq!(deployment.provider.owner_of(token.trim()).await.as_deref(), Some("grace@example.com"));
}

#[tokio::test]
async fn a_wrong_address_is_explained_and_asked_for_again() {
    let deployment = Deployment::new();
    let mut waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let callback = waiting.callback("ada@example.com").await;
    let query = callback.query().unwrap().to_owned();
    let to_open = waiting.to_open.clone();
    let state = callback.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let no_callback = "not the address at which the browser ends";
    for (line, why) in [
        ("", no_callback),
        ("yes", no_callback),
        ("https://api.videoask.com/forms?limit=1", no_callback),
        (&to_open, "This is the address to open"),
        (&format!("http://localhost:3000{CALLBACK}"), "not complete"),
        (&format!("http://localhost:3000{CALLBACK}?code=0123456789"), "not complete"),
        (&format!("http://localhost:3000{CALLBACK}?state={state}"), "not complete"),
        (&format!("http://localhost:3000{CALLBACK}?state={state}&code=0123456789&code=1"), "not complete"),
        (&format!("http://localhost:3000{CALLBACK}?state=of-another&code=0123456789"), "belongs to another login"),
        (&format!("http://localhost:3000{CALLBACK}?state=of-another&error=access_denied"), "belongs to another login"),
    ] {
        waiting.paste_in_vain(line, why);
    }
    assert_eq!(deployment.provider.standin.counters().requests_to(Endpoint::Token), 0);
    // Some browsers show an address without its scheme.
    let finished = waiting.finish(&format!("  localhost:3000{CALLBACK}?{query}#  "));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    values(&finished.stdout);
}

#[tokio::test]
async fn an_address_that_is_pasted_too_late_starts_a_new_login() {
    let deployment = Deployment::new();
    let mut waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let callback = waiting.callback("ada@example.com").await;
    deployment.clocks.set_wall_clock_ahead(11 * 60);
    waiting.paste_in_vain(callback.as_str(), "longer than ten minutes");
    let first = waiting.to_open.clone();
    waiting.to_open = until("another address", || {
        let shown = waiting.program.stderr();
        let mut addresses = shown.lines().filter(|line| line.contains("/authorize?")).map(str::trim);
        addresses.next_back().filter(|address| *address != first).map(str::to_owned)
    });
    assert_eq!(deployment.provider.standin.counters().requests_to(Endpoint::Token), 0, "the code was not used");
    let callback = waiting.callback("ada@example.com").await;
    let finished = waiting.finish(callback.as_str());
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

#[tokio::test]
async fn a_login_that_is_denied_or_not_listed_ends_as_in_a_browser() {
    let deployment = Deployment::new().keep();
    let waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let page = waiting.browser.get(&waiting.to_open).await;
    let denied = waiting.browser.decide(&page, "ada@example.com", "deny").await.location().unwrap();
    let finished = waiting.finish(denied.as_str());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("VideoAsk did not grant access."), "{finished:?}");

    let waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let callback = waiting.callback("eve@example.com").await;
    let finished = waiting.finish(callback.as_str());
    assert_eq!(finished.code, Some(2), "{finished:?}");

    deployment.provider.standin.change_faults(|faults| faults.deviations.extend([Deviation::WrongCallbackIssuer]));
    let waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let callback = waiting.callback("ada@example.com").await;
    let finished = waiting.finish(callback.as_str());
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("unexpected issuer"), "{finished:?}");
}

#[test]
fn the_end_of_stdin_ends_it_with_2() {
    let deployment = Deployment::new();
    let finished = deployment.run(&["login", "--paste"]);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{finished:?}");
    assert!(finished.stderr.contains("stdin ended before"), "{finished:?}");
}

#[tokio::test]
async fn a_signal_ends_the_wait_but_not_an_exchange_that_was_sent() {
    let deployment = Deployment::new();
    let waiting = WaitingLogin::start(&deployment, &["--paste"]);
    waiting.program.signal("INT");
    let finished = waiting.program.finish();
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("The login was cancelled."), "{finished:?}");

    let mut waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let callback = waiting.callback("ada@example.com").await;
    deployment.provider.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::HeldReply));
    waiting.paste(callback.as_str());
    reached(&deployment, Endpoint::Token).await;
    waiting.program.signal("TERM");
    deployment.provider.standin.release_replies();
    let finished = waiting.program.finish();
    assert_eq!(finished.code, Some(0), "{finished:?}");
    values(&finished.stdout);
}

#[tokio::test]
async fn what_was_pasted_reaches_no_output_and_the_tokens_only_stdout() {
    let deployment = Deployment::new().set("RUST_LOG", "trace");
    let tap = RecordingProxy::before(&deployment.provider.url);
    let (url, issuer) = (tap.url.to_string(), deployment.provider.url.to_string());
    let deployment = deployment.set("VIDEOASK_AUTH_URL", &url).set("VIDEOASK_API_URL", &url).set("ISSUER", &issuer);
    let mut waiting = WaitingLogin::start(&deployment, &["--paste"]);
    let callback = waiting.callback("ada@example.com").await;
    let of_another = callback.as_str().replace("state=", "state=another-");
    waiting.paste_in_vain(&of_another, "belongs to another login");
    waiting.paste_in_vain(&callback.as_str().replace("code=", "cod="), "not complete");
    let finished = waiting.finish(callback.as_str());
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut secrets = Secrets::default();
    secrets.add_from_wire(&tap.heard());
    assert!(secrets.names().is_superset(&["code", "code_verifier", "access_token"].into()), "{:?}", secrets.names());
    // The address to open contains the state and the nonce.
    let told = secrets.found_in(&finished.stderr);
    assert!(told.is_subset(&["state", "nonce"].into()), "{told:?}: {}", finished.stderr);
    // An id_token counts as found, too, since it starts with the same bytes as the access token.
    assert_eq!(secrets.found_in(&finished.stdout), ["access_token", "refresh_token", "id_token"].into());
}
