//! `/metrics`: who may read it, that the metrics change as they should, and that none contains a secret.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use reqwest::Method;
use standin::{Deviation, Endpoint, Fault, User};

use crate::support::{FailingStore, KEY, TestServer, api_client::keep_mode};

const ADA: &str = "ada@example.com";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const OPERATIONS: &str = include_str!("../../docs/operations.md");

async fn get_token(server: &TestServer, query: &str) -> u16 {
    server.api_client().send(Method::GET, &format!("/api/token{query}"), |request| request).await.status
}

/// One response of `/metrics`.
struct Scrape(String);

impl Scrape {
    async fn of(server: &TestServer) -> Self {
        let page = server.api_client().get("/metrics").await;
        assert_eq!(page.status, 200, "{}", page.text());
        Self(page.text())
    }

    /// The value of a series, whose name is given without the common prefix.
    fn value(&self, series: &str) -> Option<f64> {
        let value = self.samples().find(|(name, _)| name.strip_prefix("videoask_auth_") == Some(series));
        value.map(|(_, value)| value.parse().expect("a number"))
    }

    fn samples(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').expect("a series and its value"))
    }

    /// All counters that are not 0.
    fn counted(&self) -> BTreeMap<&str, &str> {
        let counters = self.samples().filter(|(series, value)| series.contains("_total") && *value != "0");
        counters.map(|(series, value)| (series.trim_start_matches("videoask_auth_"), value)).collect()
    }
}

fn counts<const N: usize>(counts: [(&'static str, &'static str); N]) -> BTreeMap<&'static str, &'static str> {
    counts.into()
}

#[tokio::test]
async fn the_key_opens_it_and_a_cookie_is_no_key() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    assert_eq!(browser.get("/metrics").await.status, 401);
    let page = server.api_client().get("/metrics").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(page.text().ends_with("# EOF\n"), "{}", page.text());
}

#[tokio::test]
async fn promtool_is_content_with_the_classic_text() {
    let server = keep_mode().start().await;
    server.logged_in().await;
    assert_eq!(get_token(&server, "").await, 200);
    let page =
        server.api_client().send(Method::GET, "/metrics", |request| request.header("accept", "text/plain")).await;
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed (Debian's package prometheus)");
    promtool.stdin.take().expect("it is piped").write_all(&page.body).expect("promtool reads");
    let checked = promtool.wait_with_output().expect("promtool ends");
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success() && said.is_empty(), "{}\n{}", String::from_utf8_lossy(&said), page.text());
}

#[tokio::test]
async fn both_formats_have_the_same_samples() {
    let server = keep_mode().start().await;
    let open_metrics = Scrape::of(&server).await;
    let classic =
        server.api_client().send(Method::GET, "/metrics", |request| request.header("accept", "text/plain")).await;
    let classic = Scrape(classic.text());
    let series = |scrape: &Scrape| scrape.samples().map(|(series, _)| series.to_owned()).collect::<Vec<_>>();
    assert_eq!(series(&open_metrics), series(&classic));
}

#[tokio::test]
async fn everything_is_there_from_the_start_with_nothing_counted() {
    let server = keep_mode().start().await;
    let scrape = Scrape::of(&server).await;
    assert_eq!(scrape.counted(), counts([]));
    assert_eq!(scrape.value("exchanges_total{grant=\"refresh\",result=\"dead\"}"), Some(0.0));
    assert_eq!(scrape.value("hand_outs_total{route=\"/proxy\",result=\"reconnect-required\"}"), Some(0.0));
    assert_eq!(scrape.value("proxied_requests_total{result=\"5xx\"}"), Some(0.0));
    assert_eq!(scrape.value("connections{state=\"blocked\"}"), Some(0.0));
    assert_eq!(scrape.value("store_up"), Some(1.0));
    assert_eq!(scrape.value("unsaved_token_sets"), Some(0.0));
}

#[tokio::test]
async fn a_login_its_hand_outs_and_a_refresh_are_counted_to_the_one() {
    let server = keep_mode().start().await;
    server.logged_in().await;
    assert_eq!(get_token(&server, "").await, 200);
    assert_eq!(get_token(&server, "?min_ttl=60").await, 200);
    assert_eq!(get_token(&server, "?user=nobody@example.com").await, 403);
    assert_eq!(server.oauth("default", KEY).await.status, 200);
    assert_eq!(server.oauth("default", "wrong").await.status, 401);
    assert_eq!(server.oauth("grace@example.com", KEY).await.status, 400);
    assert_eq!(get_token(&server, "?min_ttl=long").await, 400);
    assert_eq!(server.browser().get("/api/token").await.status, 401);
    let before = Scrape::of(&server).await;
    let mut expected = counts([
        ("logins_total{result=\"ok\"}", "1"),
        ("exchanges_total{grant=\"code\",result=\"tokens\"}", "1"),
        ("hand_outs_total{route=\"GET /api/token\",result=\"ok\"}", "2"),
        ("hand_outs_total{route=\"GET /api/token\",result=\"not-allowed\"}", "1"),
        ("hand_outs_total{route=\"GET /api/token\",result=\"invalid-request\"}", "1"),
        ("hand_outs_total{route=\"GET /api/token\",result=\"unauthorized\"}", "1"),
        ("hand_outs_total{route=\"POST /oauth/token\",result=\"ok\"}", "1"),
        ("hand_outs_total{route=\"POST /oauth/token\",result=\"unauthorized\"}", "1"),
        ("hand_outs_total{route=\"POST /oauth/token\",result=\"not-connected\"}", "1"),
    ]);
    assert_eq!(before.counted(), expected);
    assert_eq!(before.value("connections{state=\"live\"}"), Some(1.0));

    server.pass(DAY);
    assert_eq!(get_token(&server, "").await, 200);
    let after = Scrape::of(&server).await;
    expected.insert("exchanges_total{grant=\"refresh\",result=\"tokens\"}", "1");
    expected.insert("hand_outs_total{route=\"GET /api/token\",result=\"ok\"}", "3");
    assert_eq!(after.counted(), expected);
    for asked in ["code", "refresh", "jwks"] {
        let count = format!("provider_request_duration_seconds_count{{request=\"{asked}\"}}");
        assert_eq!(after.value(&count), Some(1.0), "{asked}");
    }
    assert_eq!(after.value("upstream_request_duration_seconds_count{endpoint=\"me\"}"), Some(1.0));
    assert_eq!(after.value("upstream_request_duration_seconds_count{endpoint=\"forms\"}"), Some(0.0));
}

#[tokio::test]
async fn a_token_that_was_refused_is_counted_by_its_own_route() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    let token = browser.get("/tokens").await.element("access-token").expect("the page shows it");
    let url = browser.url("/api/token");
    let body = serde_json::json!({ "refused": token });
    let page = browser.send(Method::POST, &url, |request| request.bearer_auth(KEY).json(&body)).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let scrape = Scrape::of(&server).await;
    assert_eq!(scrape.value("hand_outs_total{route=\"POST /api/token\",result=\"ok\"}"), Some(1.0));
    assert_eq!(scrape.value("exchanges_total{grant=\"refresh\",result=\"tokens\"}"), Some(1.0));
}

#[tokio::test]
async fn each_way_a_login_can_end_has_its_word() {
    let server = keep_mode().start().await;
    let browser = server.browser();
    let page = browser.begin().await;
    let denied = browser.decide(&page, ADA, "deny").await;
    browser.follow(denied).await;
    browser.open("/auth/videoask/callback?code=made-up&state=made-up").await;
    browser.log_in("eve@example.com").await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::Status { status: 503 }));
    browser.log_in(ADA).await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Me, 3, Fault::Status { status: 503 }));
    browser.log_in(ADA).await;
    server.standin.set_deviations([Deviation::WrongNonce]);
    browser.log_in(ADA).await;
    let expected = counts([
        ("logins_total{result=\"denied\"}", "1"),
        ("logins_total{result=\"invalid-callback\"}", "1"),
        ("logins_total{result=\"not-listed\"}", "1"),
        ("logins_total{result=\"exchange-failed\"}", "1"),
        ("logins_total{result=\"unidentified\"}", "1"),
        ("logins_total{result=\"id-token-refused\"}", "1"),
        ("exchanges_total{grant=\"code\",result=\"tokens\"}", "3"),
        ("exchanges_total{grant=\"code\",result=\"transient\"}", "1"),
    ]);
    assert_eq!(Scrape::of(&server).await.counted(), expected);
}

#[tokio::test]
async fn an_ended_grant_is_a_dead_exchange_and_a_connection_that_needs_a_login() {
    let server = keep_mode().start().await;
    server.logged_in().await;
    server.standin.end_grants_of(ADA);
    server.pass(DAY);
    assert_eq!(get_token(&server, "").await, 409);
    let scrape = Scrape::of(&server).await;
    assert_eq!(scrape.value("exchanges_total{grant=\"refresh\",result=\"dead\"}"), Some(1.0));
    assert_eq!(scrape.value("hand_outs_total{route=\"GET /api/token\",result=\"reconnect-required\"}"), Some(1.0));
    assert_eq!(scrape.value("connections{state=\"reconnect-required\"}"), Some(1.0));
    assert_eq!(scrape.value("connections{state=\"live\"}"), Some(0.0));
    assert_eq!(scrape.value("keeper_lag_seconds"), Some(0.0), "nobody but a person can refresh it");
}

#[tokio::test]
async fn a_connection_without_a_refresh_token_is_an_obstacle_and_never_late() {
    let server = keep_mode().start().await;
    server.standin.set_deviations([Deviation::NoRefreshToken]);
    server.logged_in().await;
    server.pass(2 * DAY);
    let scrape = Scrape::of(&server).await;
    assert_eq!(scrape.value("connection_obstacles{obstacle=\"no-refresh-token\"}"), Some(1.0));
    assert_eq!(scrape.value("keeper_lag_seconds"), Some(0.0));
}

#[tokio::test]
async fn a_refresh_that_hangs_makes_the_keeper_late_and_silent() {
    let server = keep_mode().start().await;
    server.logged_in().await;
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, Fault::Hang));
    server.pass(DAY);
    while server.standin.counters().requests_to(Endpoint::Token) < 2 {
        tokio::task::yield_now().await;
    }
    // The keeper is waiting for a response, and time only passes when the test lets it.
    let scrape = Scrape::of(&server).await;
    assert_eq!(scrape.value("keeper_silence_seconds"), Some(0.0));
    let lag = scrape.value("keeper_lag_seconds").expect("the store answers");
    assert!((8640.0..12960.0).contains(&lag), "due with a tenth of the day left, or a little more: {lag}");
    server.pass(Duration::from_secs(5));
    let later = Scrape::of(&server).await;
    assert_eq!(later.value("keeper_lag_seconds"), Some(lag + 5.0));
    assert_eq!(later.value("keeper_silence_seconds"), Some(5.0));
}

#[tokio::test]
async fn a_store_that_fails_takes_only_its_own_figures_with_it() {
    let (store, server) = FailingStore::start().await;
    server.logged_in().await;
    store.take_away();
    let scrape = Scrape::of(&server).await;
    assert_eq!(scrape.value("store_up"), Some(0.0));
    assert_eq!(scrape.value("logins_total{result=\"ok\"}"), Some(1.0));
    for gone in ["connections", "connection_obstacles", "keeper_lag_seconds"] {
        assert!(!scrape.0.contains(gone), "{gone} would be an old figure");
    }
    store.give_back();
    let scrape = Scrape::of(&server).await;
    assert_eq!(scrape.value("store_up"), Some(1.0));
    assert_eq!(scrape.value("connections{state=\"live\"}"), Some(1.0));
}

#[tokio::test]
async fn a_set_that_cannot_be_saved_shows_until_it_is() {
    let (store, server) = FailingStore::start().await;
    server.logged_in().await;
    server.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::HeldReply));
    server.pass(DAY);
    while server.standin.counters().refresh_exchanges == 0 {
        tokio::task::yield_now().await;
    }
    store.take_away();
    server.standin.release_replies();
    until(&server, |scrape| scrape.value("unsaved_token_sets") == Some(1.0)).await;
    store.give_back();
    until(&server, |scrape| {
        // The save is tried again each second.
        server.pass(Duration::from_secs(1));
        scrape.value("unsaved_token_sets") == Some(0.0)
    })
    .await;
}

/// Scrapes until a condition holds, and returns the last scrape.
async fn until(server: &TestServer, is_so: impl Fn(&Scrape) -> bool) -> Scrape {
    let scraping = async {
        loop {
            let scrape = Scrape::of(server).await;
            if is_so(&scrape) {
                return scrape;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), scraping).await.expect("it becomes so")
}

#[tokio::test]
async fn no_secret_and_no_name_of_a_user_is_told() {
    let server = keep_mode().start().await;
    let browser = server.logged_in().await;
    let tokens = browser.get("/tokens").await;
    for path in ["/api/token?user=canary-user", "/api/token?user=ada@example.com", "/canary-path"] {
        server.api_client().send(Method::GET, path, |request| request).await;
    }
    server.browser().open("/auth/videoask/callback?code=canary-code&state=canary-state&error=canary-error").await;
    let text = Scrape::of(&server).await.0;
    let shown = ["access-token", "refresh-token"].map(|id| tokens.element(id).expect("the page shows it"));
    let secrets = shown.into_iter().chain(browser.cookie_values());
    let ada = User::find(ADA).expect("Ada has an account");
    let names = ["canary", "example.com", "demo-client", &ada.user_id(), &ada.sub(), &ada.name].map(str::to_owned);
    for secret in secrets.chain(names) {
        assert!(!text.contains(&secret), "{secret} is in\n{text}");
    }
}

/// The description of each metric: its name in queries, its type, and its own labels.
type Described = BTreeSet<(String, String, BTreeSet<String>)>;

fn exposed(scrape: &Scrape) -> Described {
    let families = scrape.0.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let described = families.map(|(family, kind)| {
        let labels = scrape.samples().filter_map(|(series, _)| series.strip_prefix(family)?.split_once('{'));
        let names = labels.flat_map(|(_, labels)| labels.split("\",").filter_map(|label| label.split_once("=\"")));
        // `le` is part of every histogram.
        let names = names.map(|(name, _)| name.to_owned()).filter(|name| name != "le").collect();
        let suffix = if kind == "counter" { "_total" } else { "" };
        (format!("{family}{suffix}"), kind.to_owned(), names)
    });
    described.collect()
}

fn documented() -> Described {
    let rows = OPERATIONS.lines().filter(|line| line.starts_with("| `videoask_auth_"));
    let described = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, name, kind, labels, ..] = cells[..] else { panic!("too few columns: {row}") };
        let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (name.trim_matches('`').to_owned(), kind.to_owned(), labels)
    });
    described.collect()
}

#[tokio::test]
async fn the_table_for_operators_has_every_figure_and_no_other() {
    let server = keep_mode().start().await;
    assert_eq!(documented(), exposed(&Scrape::of(&server).await));
}

#[tokio::test]
async fn the_alerts_ask_for_figures_that_there_are() {
    let names: BTreeSet<_> = documented().into_iter().map(|(name, ..)| name).collect();
    let (_, alerts) = OPERATIONS.split_once("- alert:").expect("there are alerts");
    let (alerts, _) = alerts.split_once("```").expect("a block ends");
    let word = |character: char| !character.is_ascii_alphanumeric() && character != '_';
    let asked: Vec<_> = alerts.split(word).filter(|word| word.starts_with("videoask_auth_")).collect();
    assert!(asked.len() >= 5, "{asked:?}");
    assert_eq!(asked.into_iter().find(|name| !names.contains(*name)), None);
}
