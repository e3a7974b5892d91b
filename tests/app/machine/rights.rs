//! API keys with rights: what each covers, and that nothing else reaches VideoAsk.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use axum::{Router, extract::Request};
use proptest::{collection::vec, prelude::*, sample::select};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use standin::{Endpoint, User};
use tokio::runtime::Runtime;
use videoask_auth::{
    api_key::{KeyName, NewKey, Rights, StoredKeys, TokenAccess},
    keys::Keyring,
    store::{Store, UpdateOutcome},
};

use crate::support::{Fragile, KEY, Machine, Page, SECRET, World, listen, machine::keeping};

const ADA: &str = "ada@example.com";
const GRACE: &str = "grace@example.com";
/// A new key works at the latest after this time.
const KEYS_ARE_READ_EVERY: Duration = Duration::from_secs(5);

fn stored_keys(store: &Arc<dyn Store>) -> StoredKeys {
    StoredKeys::new(Arc::clone(store), Arc::new(Keyring::new(&SECRET.to_owned().into(), &[])))
}

fn rights(users: &[&str], methods: &[&str], paths: &[&str]) -> Rights {
    Rights {
        users: users.iter().map(|user| (*user).to_owned()).collect(),
        methods: methods
            .iter()
            .map(|method| videoask_auth::api_key::Method::parse(method).expect("a method"))
            .collect(),
        paths: paths.iter().map(|path| videoask_auth::api_key::PathPrefix::parse(path).expect("a path")).collect(),
        ..Rights::default()
    }
}

impl World {
    /// A new key with these rights.
    async fn key(&self, name: &str, rights: Rights) -> SecretString {
        let name = KeyName::parse(name).expect("a name");
        let added = stored_keys(&self.store).add(&name, rights, self.now()).await.expect("the store works");
        let NewKey::Added(key) = added else { panic!("{name} is taken") };
        key
    }

    /// A program with a new key.
    async fn holder(&self, name: &str, rights: Rights) -> Machine {
        let key = self.key(name, rights).await;
        self.machine().with_key(key.expose_secret())
    }

    async fn keeping_both() -> Self {
        let world = Self::keeping_ada().await;
        world.browser().log_in(GRACE).await;
        world
    }
}

fn detail(problem: &serde_json::Value) -> &str {
    problem["detail"].as_str().expect("a problem has details")
}

fn is_denied(page: &Page, words: &str) {
    let problem = page.is_problem(403, "insufficient-scope");
    assert!(detail(&problem).contains(words), "{problem}");
    assert!(page.header("www-authenticate").is_some_and(|challenge| challenge.contains("insufficient_scope")));
}

#[tokio::test]
async fn a_key_without_limits_opens_every_route_also_where_api_key_is_not_set() {
    let world = keeping().var("API_KEY", "").start().await;
    world.logged_in().await;
    let holder = world.holder("all", Rights::default()).await;
    for path in ["/api/token", "/api/connections", "/api/openapi.json", "/metrics", "/proxy/me"] {
        assert_eq!(holder.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_key_for_one_user_is_refused_for_any_other_and_sees_only_its_own() {
    let world = World::keeping_both().await;
    let grace = User::find(GRACE).expect("Grace has an account");
    for (name, user) in
        [("by-email", "GRACE@example.com".to_owned()), ("by-id", grace.user_id()), ("by-sub", grace.sub())]
    {
        let holder = world.holder(name, rights(&[&user], &[], &[])).await;
        world.pass(KEYS_ARE_READ_EVERY);
        for own in [GRACE, "Grace@Example.com", &grace.user_id(), &grace.sub()] {
            let own: String = url::form_urlencoded::byte_serialize(own.as_bytes()).collect();
            let page = holder.get(&format!("/api/token?user={own}")).await;
            assert_eq!((page.status, page.json()["user"].as_str()), (200, Some(GRACE)), "{name} {own}");
        }
        for other in ["/api/token", "/api/token?user=ada@example.com", "/api/token?user=eve@example.com", "/proxy/me"] {
            is_denied(&holder.get(other).await, &format!("not cover this user. It covers: {user};"));
        }
        is_denied(&holder.get("/metrics").await, "about all users");
        let listed = holder.get("/api/connections").await.json();
        assert_eq!(listed["connections"].as_array().map(Vec::len), Some(1), "{listed}");
        assert_eq!(listed["connections"][0]["user"], GRACE);
        assert!(!listed.to_string().contains("ada@"), "{listed}");
    }
    assert_eq!(world.machine().get("/api/connections").await.json()["connections"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_covered_user_who_is_not_connected_is_told_apart_from_one_who_is_not_covered() {
    let world = World::keeping_ada().await;
    let holder = world.holder("grace", rights(&[GRACE], &[], &[])).await;
    holder.get("/api/token?user=Grace@example.com").await.is_problem(404, "not-connected");
    is_denied(&holder.get("/api/token?user=eve@example.com").await, "not cover this user");
}

#[tokio::test]
async fn a_key_for_the_proxy_gets_no_token() {
    let world = World::keeping_ada().await;
    let proxy_only = Rights { tokens: TokenAccess::ProxyOnly, ..Rights::default() };
    for (name, rights) in [("a", proxy_only), ("b", rights(&[], &["GET"], &[])), ("c", rights(&[], &[], &["/me"]))] {
        let key = world.key(name, rights).await;
        let holder = world.machine().with_key(key.expose_secret());
        world.pass(KEYS_ARE_READ_EVERY);
        is_denied(&holder.get("/api/token").await, "hands out a token");
        let refused = world.machine().token().await;
        let body = serde_json::json!({ "refused": refused });
        is_denied(&holder.send(Method::POST, "/api/token", |request| request.json(&body)).await, "hands out a token");
        let error = world.oauth("default", key.expose_secret()).await.is_oauth_error(400, "unauthorized_client");
        assert!(error["error_description"].as_str().is_some_and(|text| text.contains("hands out a token")), "{error}");
        assert_eq!(holder.get("/proxy/me").await.status, 200);
    }
    assert_eq!(world.standin.counters().requests_to(Endpoint::Token), 0, "nothing was refreshed");
}

#[tokio::test]
async fn an_expired_key_is_refused_from_that_second_on() {
    let world = World::keeping_ada().await;
    let expires_at = Some(world.now() + Duration::from_secs(90));
    let holder = world.holder("short", Rights { expires_at, ..Rights::default() }).await;
    world.pass(Duration::from_secs(89));
    assert_eq!(holder.get("/api/token").await.status, 200);
    world.pass(Duration::from_secs(1));
    let problem = holder.get("/api/token").await.is_problem(401, "unauthorized");
    assert!(detail(&problem).contains("has expired"), "{problem}");
}

#[tokio::test]
async fn keys_come_and_go_within_five_seconds() {
    let world = World::keeping_ada().await;
    let first = world.holder("first", Rights::default()).await;
    assert_eq!(first.get("/api/token").await.status, 200);
    let second = world.holder("second", Rights::default()).await;
    assert_eq!(stored_keys(&world.store).remove("first").await.expect("the store works"), UpdateOutcome::Updated);
    world.pass(KEYS_ARE_READ_EVERY);
    assert_eq!(second.get("/api/token").await.status, 200);
    first.get("/api/token").await.is_problem(401, "unauthorized");
}

#[tokio::test]
async fn while_the_store_is_down_keys_that_were_read_work_for_an_hour() {
    let (store, world) = Fragile::start().await;
    world.logged_in().await;
    let holder = world.holder("a", Rights::default()).await;
    let stranger = world.machine().with_key(world.key("b", Rights::default()).await.expose_secret());
    stored_keys(&world.store).remove("b").await.expect("the store works");
    assert_eq!(holder.get("/api/token").await.status, 200);
    stranger.get("/api/token").await.is_problem(401, "unauthorized");
    store.take_keys_away();
    for minutes in [1, 58] {
        world.pass(Duration::from_secs(minutes * 60));
        assert_eq!(holder.get("/api/token").await.status, 200);
        stranger.get("/api/token").await.is_problem(503, "store-unavailable");
    }
    world.pass(Duration::from_secs(60));
    holder.get("/api/token").await.is_problem(503, "store-unavailable");
    assert_eq!(world.machine().get("/api/token").await.status, 200, "a key of the environment needs no store");
    store.give_keys_back();
    world.pass(Duration::from_secs(1));
    assert_eq!(holder.get("/api/token").await.status, 200);
}

#[tokio::test]
async fn the_last_use_is_noted_to_the_minute() {
    let world = World::keeping_ada().await;
    let holder = world.holder("a", Rights::default()).await;
    let noted = async |expected| {
        for _ in 0..600 {
            let keys = stored_keys(&world.store).list().await.expect("the store works");
            if keys[0].last_used == Some(expected) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the use at {expected} is not noted");
    };
    world.pass(Duration::from_secs(30));
    holder.get("/api/token").await;
    noted(world.now() - Duration::from_secs(30)).await;
    world.pass(Duration::from_secs(60));
    holder.get("/api/connections").await;
    noted(world.now() - Duration::from_secs(30)).await;
}

#[tokio::test]
async fn who_can_write_to_the_store_cannot_make_or_widen_a_key() {
    let world = World::keeping_ada().await;
    let (narrow, wide) =
        (world.key("narrow", rights(&[GRACE], &[], &[])).await, world.key("wide", Rights::default()).await);
    let rows = world.store.api_keys().await.expect("the store works");
    let (mut forged, wide_row) = (rows[0].clone(), &rows[1]);
    forged.sealed = wide_row.sealed.clone();
    world.store.remove_api_key("narrow").await.expect("the store works");
    world.store.add_api_key(&forged).await.expect("the store works");
    world.machine().with_key(narrow.expose_secret()).get("/api/token").await.is_problem(401, "unauthorized");
    assert_eq!(world.machine().with_key(wide.expose_secret()).get("/api/token").await.status, 200);
}

#[tokio::test]
async fn keys_outlive_a_change_of_express_session_that_names_the_previous_one() {
    let world = World::keeping_ada().await;
    let key = world.key("a", Rights::default()).await;
    let changed = |previous| {
        let other = keeping().var("EXPRESS_SESSION", "another-secret-0123456789-abcdefghij").beside(&world);
        other.var("EXPRESS_SESSION_PREVIOUS", previous)
    };
    let without = changed("").start().await;
    without.machine().with_key(key.expose_secret()).get("/api/openapi.json").await.is_problem(401, "unauthorized");
    let other = changed(SECRET).start().await;
    assert_eq!(other.machine().with_key(key.expose_secret()).get("/api/token").await.status, 200);
    for _ in 0..600 {
        let count = stored_keys(&world.store).count().await.expect("the store works");
        if (count.total, count.unreadable) == (1, 1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the rights are still encrypted by the previous secret");
}

#[tokio::test]
async fn what_only_looks_like_a_key_does_not_ask_the_store() {
    let (store, world) = Fragile::start().await;
    store.take_keys_away();
    let key = "vak_0000000000000000000000000000000000000000000000000";
    for wrong in ["vak_", key, &format!("{KEY}x")] {
        world.machine().with_key(wrong).get("/api/token").await.is_problem(401, "unauthorized");
    }
}

/// What arrived at VideoAsk's API.
#[derive(Clone, Debug)]
struct Arrived {
    method: String,
    path: String,
    token: String,
}

/// An app with its keys, before an API that records what arrives.
struct Recorded {
    runtime: Runtime,
    world: World,
    keys: Vec<(SecretString, Rights)>,
    /// Whose token it is.
    tokens: [(String, &'static str); 2],
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("the system has threads");
    let (world, keys, tokens, arrived) = runtime.block_on(async {
        let first = World::keeping_both().await;
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let listener = listen().await;
        let api = format!("http://{}", listener.local_addr().expect("it is bound"));
        let record = Arc::clone(&arrived);
        let router = Router::new().fallback(async move |request: Request| {
            let header =
                request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
            record.lock().expect("no test panicked here").push(Arrived {
                method,
                path,
                token: header.replace("Bearer ", ""),
            });
        });
        tokio::spawn(async { axum::serve(listener, router).await });
        let world = keeping().beside(&first).var("VIDEOASK_API_URL", api).start().await;
        let token = async |user: &str| {
            let page = world.machine().get(&format!("/api/token?user={user}")).await.json();
            page["access_token"].as_str().expect("a token").to_owned()
        };
        let tokens = [(token(ADA).await, ADA), (token(GRACE).await, GRACE)];
        let all = [
            rights(&[GRACE], &[], &[]),
            rights(&[], &["GET"], &[]),
            rights(&[], &[], &["/forms"]),
            rights(&[ADA], &["POST", "PURGE"], &["/forms/a-b", "/x"]),
            Rights { tokens: TokenAccess::ProxyOnly, ..rights(&[GRACE], &[], &["/Forms"]) },
        ];
        let mut keys = Vec::new();
        for (place, rights) in all.into_iter().enumerate() {
            keys.push((world.key(&format!("key{place}"), rights.clone()).await, rights));
        }
        (world, keys, tokens, arrived)
    });
    Recorded { runtime, world, keys, tokens, arrived }
});

/// Whether a server that decodes everything sees a path that one of these covers.
fn is_below(path: &str, prefixes: &[String]) -> bool {
    let decoded = decoded(path);
    let segments: Vec<&str> = decoded.split('/').collect();
    !segments.iter().any(|segment| matches!(*segment, "." | ".."))
        && prefixes.iter().any(|prefix| {
            let prefix: Vec<&str> = prefix.split('/').collect();
            segments.len() >= prefix.len() && segments[..prefix.len()] == prefix[..]
        })
}

/// The texts of a list of rights, as they are stored.
fn texts(list: &impl serde::Serialize) -> Vec<String> {
    serde_json::from_value(serde_json::to_value(list).expect("JSON")).expect("texts")
}

fn assert_covered(rights: &Rights, arrived: &Arrived, owner: &str) {
    let (methods, paths) = (texts(&rights.methods), texts(&rights.paths));
    let counted_as = if arrived.method == "HEAD" { "GET" } else { &arrived.method };
    assert!(rights.users.is_empty() || rights.users.iter().any(|user| user == owner), "{rights}: {owner} {arrived:?}");
    assert!(methods.is_empty() || methods.iter().any(|method| method == counted_as), "{rights}: {arrived:?}");
    assert!(paths.is_empty() || is_below(&arrived.path, &paths), "{rights}: {arrived:?}");
}

/// How a program asks for a token.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Api,
    OauthBody,
    OauthBasic,
}

fn segment() -> impl Strategy<Value = String> {
    let plain = select(vec![
        "forms",
        "Forms",
        "formsx",
        "x",
        "a-b",
        "me",
        "",
        ".",
        "..",
        "forms;x",
        "..;",
        "%2e%2E",
        "%2f",
        "%2566orms",
    ]);
    (plain, any::<u8>()).prop_map(|(segment, encoded)| {
        let encode = |(place, character): (usize, char)| {
            let is_chosen = place < 8 && encoded >> place & 1 == 1 && !segment.contains('%');
            if is_chosen { format!("%{:02x}", u32::from(character)) } else { character.to_string() }
        };
        segment.char_indices().map(encode).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_beyond_a_keys_rights_reaches_videoask(
        key in 0..5_usize,
        method in select(vec!["GET", "HEAD", "POST", "PURGE", "get", "DELETE", "OPTIONS"]),
        start in select(vec!["/proxy/", "/proxy//", "/%70roxy/", "/proxy/../", "/PROXY/", "/proxy"]),
        segments in vec(segment(), 0..4),
        query in select(vec!["", "?path=/forms", "?user=grace@example.com", "?_method=GET"]),
        users in vec(select(vec![ADA, GRACE, "GRACE@example.com", "eve@example.com", ""]), 0..3),
        end in select(vec!["", "/"]),
    ) {
        let Recorded { runtime, world, keys, tokens, arrived } = &*RECORDED;
        let (key, rights) = &keys[key];
        let users = users.iter().map(|user| format!("X-VideoAsk-User: {user}\r\n")).collect::<Vec<_>>().concat();
        let path = format!("{start}{}{end}{query}", segments.join("/"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {}\r\nX-HTTP-Method-Override: GET\r\n\
             {users}Connection: close\r\n\r\n", world.port, key.expose_secret(),
        );
        arrived.lock().expect("no test panicked here").clear();
        let answer = runtime.block_on(world.raw(&request));
        for arrived in arrived.lock().expect("no test panicked here").iter() {
            let owner = tokens.iter().find(|(token, _)| *token == arrived.token).map(|(_, owner)| *owner);
            assert_covered(rights, arrived, owner.expect("it is a user's token"));
            prop_assert!(answer.starts_with("HTTP/1.1 200"), "{}", answer);
        }
    }

    #[test]
    fn no_token_leaves_beyond_a_keys_rights(
        key in 0..5_usize,
        user in select(vec![ADA, GRACE, "GRACE%40example.com", "eve@example.com", "default", ""]),
        path in select(vec!["/api/token", "/api/token/", "/API/token", "/api//token", "/%61pi/token", "/api/token;x"]),
        endpoint in select(vec!["/oauth/token", "/oauth/token/", "/OAuth/token", "/oauth//token", "/%6fauth/token"]),
        asks in select(vec![Asks::Api, Asks::OauthBody, Asks::OauthBasic]),
        more in select(vec!["", "&client_id=ada@example.com", "&user=ada@example.com", "&scope=openid"]),
    ) {
        let Recorded { runtime, world, keys, tokens, .. } = &*RECORDED;
        let (key, rights) = &keys[key];
        let machine = world.machine().with_key(key.expose_secret());
        let secret = key.expose_secret();
        let grant = format!("grant_type=client_credentials{more}");
        let post = |request: RequestBuilder, body: String| {
            request.header("content-type", "application/x-www-form-urlencoded").body(body)
        };
        let page = runtime.block_on(async {
            let url = world.app.join(endpoint).expect("a path");
            let browser = world.browser();
            match asks {
                Asks::Api => machine.get(&format!("{path}?user={user}{more}")).await,
                Asks::OauthBody => {
                    let body = format!("{grant}&client_id={user}&client_secret={secret}");
                    browser.send(Method::POST, &url, |request| post(request, body)).await
                }
                Asks::OauthBasic => {
                    browser.send(Method::POST, &url, |request| post(request.basic_auth(user, Some(secret)), grant)).await
                }
            }
        });
        for (token, owner) in tokens {
            if page.text().contains(token) {
                prop_assert_eq!(rights.token_access(), TokenAccess::HandOut);
                prop_assert!(rights.users.is_empty() || rights.users.iter().any(|user| user == owner));
            }
        }
    }
}

#[test]
fn what_a_key_covers_leaves_by_the_token_endpoint() {
    let Recorded { runtime, world, keys, tokens: [_, (token, owner)], .. } = &*RECORDED;
    let page = runtime.block_on(world.oauth(owner, keys[0].0.expose_secret()));
    assert_eq!(page.json()["access_token"], *token);
}

#[test]
fn what_a_key_covers_reaches_videoask() {
    let Recorded { runtime, world, keys, arrived, .. } = &*RECORDED;
    for (key, method, path, user) in [
        (0, "PURGE", "/proxy/me", GRACE),
        (1, "HEAD", "/proxy/x", ADA),
        (2, "DELETE", "/proxy/%66orms/x%2d", GRACE),
        (3, "POST", "/proxy/forms/a%2Db", ADA),
        (4, "GET", "/proxy/Forms", GRACE),
    ] {
        let machine = world.machine().with_key(keys[key].0.expose_secret());
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let page = runtime.block_on(machine.send(method, path, |request| request.header("x-videoask-user", user)));
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        let arrived = arrived.lock().expect("no test panicked here");
        let raw = path.strip_prefix("/proxy").expect("it is below the proxy");
        assert!(arrived.iter().any(|arrived| arrived.path == raw), "{path}: {arrived:?}");
    }
}

/// A path as a server reads it that decodes everything.
fn decoded(path: &str) -> String {
    // A plus sign means itself in a path.
    let pair = format!("path={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}
