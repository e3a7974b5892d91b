//! Requests with API keys to every route for machines, and every command in keep mode.

use std::{collections::BTreeSet, net::TcpListener};

use reqwest::{Method, RequestBuilder};
use standin::{Deviation, Endpoint, Fault, Faults, User};
use tempfile::TempDir;

use super::{
    API_KEY, CLIENT_SECRET, STORE_PASSWORD, assert_nothing_told, canaries, complete, deployment,
    page_walk::{PageWalk, faults, faults_of_the_token_endpoint},
};
use crate::{
    keys::until_status,
    support::{
        Deployment, RecordingProxy, Secrets, Server,
        receiver::{Behaviour, HOOK_KEY, Receiver},
        run_in, until,
    },
};

const EXPRESS_SESSION: &str = "canary-express-session-of-a-keeper-90ac77";
const PATHS: [&str; 15] = [
    "/api/token",
    "/api/token?user=grace@example.com",
    "/api/token?min_ttl=999999",
    "/api/token?min_ttl=none",
    "/oauth/token",
    "/.well-known/oauth-authorization-server",
    "/api/connections",
    "/api/openapi.json",
    "/api/nowhere",
    "/metrics",
    "/proxy/",
    "/proxy/me",
    "/proxy/forms?limit=1",
    "/proxy/echo",
    "/proxy//nowhere",
];

/// A deployment in keep mode, with an API key.
fn keeping() -> (Deployment, RecordingProxy) {
    let (deployment, tap) = deployment();
    let deployment = deployment.set("EXPRESS_SESSION", EXPRESS_SESSION).set("API_KEY", API_KEY);
    // A login without an id_token proves no e-mail address, so Ada is listed by her user id, too.
    let ada = User::find("ada@example.com").expect("Ada has an account").user_id();
    (deployment.set("ALLOWED_USERS", &format!("{ada},ada@example.com,grace@example.com")), tap)
}

fn secrets_of_a_keeper(tap: &RecordingProxy) -> Secrets {
    let mut secrets = canaries();
    secrets.add("EXPRESS_SESSION", EXPRESS_SESSION);
    secrets.add_from_wire(&tap.heard());
    secrets
}

impl PageWalk<'_> {
    async fn ask(&mut self, method: Method, path: &str, with: impl Fn(RequestBuilder) -> RequestBuilder) {
        let page = self.browser.send(method, &self.browser.url(path), with).await;
        self.note(&page);
    }

    /// Requests every route for machines: with this key, with a wrong key, with the key in the query, with secrets in
    /// headers and body, and with an unknown method.
    async fn every_machine_route(&mut self, key: &str) {
        let keyed = |request: RequestBuilder| request.bearer_auth(key);
        for path in PATHS {
            self.ask(Method::GET, path, keyed).await;
            self.ask(Method::GET, path, |request| request.bearer_auth(CLIENT_SECRET)).await;
            let separator = if path.contains('?') { '&' } else { '?' };
            self.ask(Method::GET, &format!("{path}{separator}access_token={key}"), |request| request).await;
            let talkative = |request: RequestBuilder| {
                let request = request.header("x-videoask-user", CLIENT_SECRET).header("x-request-id", CLIENT_SECRET);
                request.bearer_auth(key).header("content-type", "application/json").body(CLIENT_SECRET)
            };
            self.ask(Method::POST, path, talkative).await;
            self.ask(Method::from_bytes(b"PURGE").unwrap(), path, keyed).await;
        }
        let refuse = |request: RequestBuilder| request.bearer_auth(key).json(&[("refused", CLIENT_SECRET)]);
        self.ask(Method::POST, "/api/token", refuse).await;
        self.ask(Method::GET, "/proxy/me", |request| keyed(request).header("upgrade", CLIENT_SECRET)).await;
        self.every_token_request(key).await;
    }

    /// Sends every kind of token request: with this key and with a wrong one, and with credentials in wrong places.
    async fn every_token_request(&mut self, key: &str) {
        const GRANT: (&str, &str) = ("grant_type", "client_credentials");
        for secret in [key, CLIENT_SECRET] {
            for user in ["default", "grace@example.com", "eve@example.com", CLIENT_SECRET] {
                let form = [GRANT, ("client_id", user), ("client_secret", secret)];
                self.ask(Method::POST, "/oauth/token", |request| request.form(&form)).await;
                let basic = |request: RequestBuilder| request.basic_auth(user, Some(secret));
                self.ask(Method::POST, "/oauth/token", |request| basic(request).form(&[GRANT])).await;
                self.ask(Method::POST, "/oauth/token", |request| basic(request).form(&form)).await;
                let path = format!("/oauth/token?client_secret={secret}");
                self.ask(Method::POST, &path, |request| basic(request).form(&[GRANT])).await;
            }
            self.ask(Method::POST, "/oauth/token", |request| request.form(&[("grant_type", secret)])).await;
            self.ask(Method::POST, "/oauth/token", |request| request.bearer_auth(secret).form(&[GRANT])).await;
        }
    }

    /// Sends requests during every fault of the API and of the token endpoint. In the latter case, a 401 of the API
    /// forces a refresh.
    async fn every_mood_of_the_api(&mut self) {
        let standin = &self.deployment.provider.standin;
        let keyed = |request: RequestBuilder| request.bearer_auth(API_KEY);
        let whole = |fault: &Fault| !matches!(fault, Fault::CutHalfway);
        for fault in faults().into_iter().filter(whole) {
            standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, fault));
            self.ask(Method::GET, "/proxy/forms", keyed).await;
        }
        standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, Fault::CutHalfway));
        let broken = self.browser.try_send(Method::GET, &self.browser.url("/proxy/forms"), keyed).await;
        assert!(broken.is_err());
        for fault in faults().into_iter().chain(faults_of_the_token_endpoint()) {
            let mut faults = Faults::default();
            faults.next(Endpoint::Token, 2, fault);
            faults.next(Endpoint::Forms, 1, Fault::Unauthorized);
            standin.set_faults(faults);
            self.ask(Method::GET, "/proxy/forms", keyed).await;
            self.ask(Method::GET, "/api/token", keyed).await;
            self.every_token_request(API_KEY).await;
            standin.set_faults(Faults::default());
            self.log_in().await;
        }
        self.log_in_with_an_expired_token().await;
        standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::Status { status: 500 }));
        self.ask(Method::GET, "/api/token", keyed).await;
        self.log_in_with_an_expired_token().await;
        standin.end_grants_of("ada@example.com");
        self.ask(Method::GET, "/api/token", keyed).await;
    }

    /// Logs in while the provider's clock is more than a day behind, so that the access token has expired. Only the
    /// token itself says when it expires.
    async fn log_in_with_an_expired_token(&mut self) {
        let deviations = BTreeSet::from([Deviation::NoExpiresIn, Deviation::NoIdToken]);
        let standin = &self.deployment.provider.standin;
        standin.set_faults(Faults { deviations, clock_offset: -24 * 60 * 60 - 60, ..Faults::default() });
        self.log_in().await;
        self.deployment.provider.standin.set_faults(Faults::default());
    }
}

/// What commands on another machine print on stderr, with each key and with a wrong one.
fn commands_elsewhere(server: &Server, keys: &[String]) -> Vec<(String, String)> {
    let folder = TempDir::new().unwrap();
    let mut seen = Vec::new();
    for key in keys.iter().map(String::as_str).chain([API_KEY, CLIENT_SECRET]) {
        for arguments in [
            &["token"][..],
            &["token", "--min-ttl", "20h", "--user", "nobody@example.com"],
            &["exec", "--", "/bin/true"],
            &["api", "/me"],
            &["api", "/forms", "--paginate"],
            &["api", "/nowhere", "-X", "DELETE"],
        ] {
            let server = server.url.as_str();
            let variables = [("VIDEOASK_AUTH_SERVER", server), ("VIDEOASK_AUTH_API_KEY", key), ("RUST_LOG", "trace")];
            seen.push((format!("{arguments:?} elsewhere"), run_in(folder.path(), arguments, &variables).stderr));
        }
    }
    seen
}

#[tokio::test]
async fn no_route_for_machines_tells_a_secret_and_no_key_reaches_videoask() {
    let (deployment, tap) = keeping();
    let receiver = Receiver::start();
    let deployment = deployment.set("LOG_FORMAT", "json").set("NOTIFY_URL", receiver.url());
    let server = deployment.serve();
    let mut walk = PageWalk::new(&deployment, &server);
    walk.every_machine_route(API_KEY).await;
    walk.log_in().await;
    walk.every_machine_route(API_KEY).await;
    let keys = [deployment.add_key(&["all"]), deployment.add_key(&["limited", "--user", "grace@example.com"])];
    for key in &keys {
        until_status(&server, key, "/api/openapi.json", 200).await;
        walk.every_machine_route(key).await;
    }
    let elsewhere = commands_elsewhere(&server, &keys);
    walk.every_route().await;
    receiver.behave(Behaviour::Fail);
    walk.every_mood_of_the_api().await;
    let events = every_event(&receiver);
    walk.every_login().await;
    walk.every_button().await;

    let PageWalk { mut seen, shown, .. } = walk;
    seen.extend(elsewhere);
    seen.push(("the notifications".to_owned(), events));
    seen.push(("the arguments".to_owned(), server.program.arguments()));
    let stopped = server.stop();
    seen.push(("stdout".to_owned(), stopped.stdout));
    seen.push(("the log".to_owned(), stopped.stderr));
    let mut secrets = secrets_of_a_keeper(&tap);
    for key in &keys {
        secrets.add("the API key that was made", key);
    }
    assert_nothing_told(&secrets, &seen);
    assert!(keys.iter().all(|key| !tap.heard().contains(key)), "an API key reached VideoAsk");
    assert!(!tap.heard().contains(API_KEY), "an API key reached VideoAsk");

    assert!(secrets.found_in(&shown.concat()).contains("access_token"), "the walk went where tokens are");
    let (_, log) = seen.last().expect("the log was seen");
    assert!(log.contains("a machine's request failed"));
    let not_walked: BTreeSet<_> = complete::routes().difference(&complete::routes_in(log)).cloned().collect();
    assert!(not_walked.is_empty(), "the walk misses {not_walked:?}");
    for status in ["200", "400", "401", "403", "404", "405", "409", "502", "503"] {
        assert!(seen.iter().any(|(place, _)| place.starts_with(status)), "no answer with {status} was seen");
    }
}

/// Every event that the receiver got, those that it refused before those that it accepted.
fn every_event(receiver: &Receiver) -> String {
    until("a notification that is not delivered", || receiver.got(Behaviour::Fail).pop());
    receiver.behave(Behaviour::Accept);
    until("a notification", || receiver.accepted().pop());
    [receiver.got(Behaviour::Fail), receiver.accepted()].concat().iter().map(ToString::to_string).collect()
}

/// Each of these sets one variable to a wrong value that the checks of the configuration accept, and that fails later.
fn misconfigurations(deployment: &Deployment, taken_port: &str) -> [(&'static str, String); 8] {
    let provider = &deployment.provider.url;
    let no_tls = format!("https://{}:{}", provider.host_str().unwrap(), provider.port().unwrap());
    [
        ("CLIENT_SECRET", "another-secret-than-videoask-knows".to_owned()),
        ("EXPRESS_SESSION", "another-session-secret-than-before-3f2a".to_owned()),
        ("VIDEOASK_AUTH_URL", no_tls.clone()),
        ("VIDEOASK_API_URL", no_tls),
        ("NOTIFY_URL", format!("http://127.0.0.1:9/{HOOK_KEY}")),
        ("STORE_URL", format!("redis://:{STORE_PASSWORD}@127.0.0.1:9")),
        ("STORE_URL", format!("rediss://:{STORE_PASSWORD}@127.0.0.1:{taken_port}")),
        ("STORE_URL", "sqlite:///nowhere/store.db".to_owned()),
    ]
}

/// Every command, with arguments by which it ends soon.
fn commands(taken_port: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["serve"],
        vec!["demo", "--port", taken_port],
        vec!["login", "--paste"],
        vec!["token"],
        vec!["api", "/forms"],
        vec!["exec", "--", "/bin/true"],
        vec!["status"],
        vec!["import"],
        vec!["forget", "--user", "grace@example.com"],
        vec!["key", "add", "another"],
        vec!["backup", "another-copy.db"],
        vec!["check", "--notify"],
        vec!["healthcheck"],
    ]
}

#[tokio::test]
async fn no_command_on_what_is_kept_tells_more_than_it_was_asked() {
    let (deployment, tap) = keeping();
    // A server that finds its port taken ends at once.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let receiver = Receiver::start();
    let deployment = deployment.set("LOG_FORMAT", "json").set("PORT", &port).set("NOTIFY_URL", receiver.url());
    let refresh_token = deployment.provider.refresh_token("ada@example.com").await;
    let mut seen = Vec::new();
    let mut note = |deployment: &Deployment, arguments: &[&str], input: &str| {
        let finished = deployment.start_with(arguments, input).finish();
        let meant = matches!(arguments[..2.min(arguments.len())], ["token" | "exec", ..] | ["key", "add"])
            && finished.code == Some(0);
        let told = if meant { finished.stderr } else { finished.stdout + &finished.stderr };
        seen.push((format!("{arguments:?}"), told));
    };
    let standin = &deployment.provider.standin;
    note(&deployment, &["token"], "");
    note(&deployment, &["import"], &refresh_token);
    note(&deployment, &["import"], &refresh_token);
    note(&deployment, &["import"], &format!("{CLIENT_SECRET} {CLIENT_SECRET}"));
    let made = deployment.add_key(&["limited", "--path", "/forms"]);
    for arguments in [
        &["token"][..],
        &["token", "--min-ttl", "20h"],
        &["api", "/forms"],
        &["api", "/forms", "--paginate"],
        &["api", "/nowhere", "-X", "DELETE", "--organization", CLIENT_SECRET],
        &["api", "https://user:password@api.example/"],
        &["status"],
        &["status", "--json"],
        &["exec", "--", "env"],
        &["exec", "--", "/no/such/program"],
        &["key", "list"],
        &["key", "list", "--json"],
        &["key", "add", "limited"],
        &["key", "add", "limited", "--user", "nobody@example.com"],
        &["key", "remove", "nobodys"],
        &["check", "--notify"],
        &["backup", "copy.db"],
        &["backup", ".env"],
        &["status", "--exit-code"],
    ] {
        note(&deployment, arguments, "");
    }
    note(&deployment, &["token", "--refused"], CLIENT_SECRET);
    for (of_the_api, fault) in faults().into_iter().zip(faults().into_iter().chain(faults_of_the_token_endpoint())) {
        let mut faults = Faults::default();
        faults.next(Endpoint::Token, 2, fault);
        faults.next(Endpoint::Api, 1, of_the_api);
        standin.set_faults(faults);
        note(&deployment, &["api", "/forms"], "");
        standin.set_faults(Faults::default());
        let another = deployment.provider.refresh_token("ada@example.com").await;
        note(&deployment, &["import", "--replace"], &another);
    }
    note(&deployment, &["forget", "--user", "ada@example.com", "--revoke"], "");
    note(&deployment, &["token"], "");
    let unlisted = deployment.provider.refresh_token("eve@example.com").await;
    note(&deployment, &["import"], &unlisted);
    note(&deployment, &["import"], CLIENT_SECRET);
    for variables in misconfigurations(&deployment, &port) {
        let start = |arguments: Vec<&str>| deployment.start(&arguments, &[(variables.0, &variables.1)]);
        // All are started at once, since some of them wait for a server that does not answer.
        let running: Vec<_> = commands(&port).into_iter().map(|arguments| (arguments[0], start(arguments))).collect();
        for (command, program) in running {
            let (case, finished) = (format!("{command} with another {}", variables.0), program.finish());
            assert_ne!(finished.code, None, "{case}: {finished:?}");
            let told = if finished.code == Some(0) { finished.stderr } else { finished.stdout + &finished.stderr };
            seen.push((case, told));
        }
    }
    let names: BTreeSet<String> = commands(&port).iter().map(|arguments| arguments[0].to_owned()).collect();
    assert_eq!(names, complete::commands(&deployment), "every command was run");

    assert!(!receiver.accepted().is_empty(), "a test event was sent");
    let mut secrets = secrets_of_a_keeper(&tap);
    secrets.add("the imported token", &refresh_token);
    secrets.add("the API key that was made", &made);
    assert!(secrets.names().is_superset(&["access_token", "refresh_token", "client_secret"].into()));
    assert_nothing_told(&secrets, &seen);
    assert!(!tap.heard().contains(API_KEY));
}
