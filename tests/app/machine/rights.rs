//! API keys with limited rights, and what each right covers.

use std::{sync::Arc, time::Duration};

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use standin::{Endpoint, User};
use videoask_auth::{
    api_key::{KeyName, NewKey, Rights, StoredKeys, TokenAccess},
    keys::Keyring,
    store::{Store, UpdateOutcome},
};

use crate::support::{ApiClient, FailingStore, KEY, Page, SECRET, TestServer, api_client::keep_mode};

pub const ADA: &str = "ada@example.com";
pub const GRACE: &str = "grace@example.com";
/// How often the app reads the keys. A new key works after this time at the latest.
const KEYS_ARE_READ_EVERY: Duration = Duration::from_secs(5);

fn stored_keys(store: &Arc<dyn Store>) -> StoredKeys {
    StoredKeys::new(Arc::clone(store), Arc::new(Keyring::new(&SECRET.to_owned().into(), &[])))
}

pub fn rights(users: &[&str], methods: &[&str], paths: &[&str]) -> Rights {
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

impl TestServer {
    /// Adds a key with these rights.
    pub async fn key(&self, name: &str, rights: Rights) -> SecretString {
        let name = KeyName::parse(name).expect("a name");
        let added = stored_keys(&self.store).add(&name, rights, self.now()).await.expect("the store works");
        let NewKey::Added(key) = added else { panic!("{name} is taken") };
        key
    }

    /// Adds a key with these rights, and returns a program that has it.
    async fn holder(&self, name: &str, rights: Rights) -> ApiClient {
        let key = self.key(name, rights).await;
        self.api_client().with_key(key.expose_secret())
    }

    pub async fn with_both_connected() -> Self {
        let server = Self::with_ada_connected().await;
        server.browser().log_in(GRACE).await;
        server
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
    let server = keep_mode().var("API_KEY", "").start().await;
    server.logged_in().await;
    let holder = server.holder("all", Rights::default()).await;
    for path in ["/api/token", "/api/connections", "/api/openapi.json", "/metrics", "/proxy/me"] {
        assert_eq!(holder.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_key_for_one_user_is_refused_for_any_other_and_sees_only_its_own() {
    let server = TestServer::with_both_connected().await;
    let grace = User::find(GRACE).expect("Grace has an account");
    for (name, user) in
        [("by-email", "GRACE@example.com".to_owned()), ("by-id", grace.user_id()), ("by-sub", grace.sub())]
    {
        let holder = server.holder(name, rights(&[&user], &[], &[])).await;
        server.pass(KEYS_ARE_READ_EVERY);
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
    assert_eq!(
        server.api_client().get("/api/connections").await.json()["connections"].as_array().map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn a_covered_user_who_is_not_connected_is_told_apart_from_one_who_is_not_covered() {
    let server = TestServer::with_ada_connected().await;
    let holder = server.holder("grace", rights(&[GRACE], &[], &[])).await;
    holder.get("/api/token?user=Grace@example.com").await.is_problem(404, "not-connected");
    is_denied(&holder.get("/api/token?user=eve@example.com").await, "not cover this user");
}

#[tokio::test]
async fn a_key_for_the_proxy_gets_no_token() {
    let server = TestServer::with_ada_connected().await;
    let proxy_only = Rights { tokens: TokenAccess::ProxyOnly, ..Rights::default() };
    for (name, rights) in [("a", proxy_only), ("b", rights(&[], &["GET"], &[])), ("c", rights(&[], &[], &["/me"]))] {
        let key = server.key(name, rights).await;
        let holder = server.api_client().with_key(key.expose_secret());
        server.pass(KEYS_ARE_READ_EVERY);
        is_denied(&holder.get("/api/token").await, "hands out a token");
        let refused = server.api_client().token().await;
        let body = serde_json::json!({ "refused": refused });
        is_denied(&holder.send(Method::POST, "/api/token", |request| request.json(&body)).await, "hands out a token");
        let error = server.oauth("default", key.expose_secret()).await.is_oauth_error(400, "unauthorized_client");
        assert!(error["error_description"].as_str().is_some_and(|text| text.contains("hands out a token")), "{error}");
        assert_eq!(holder.get("/proxy/me").await.status, 200);
    }
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0, "nothing was refreshed");
}

#[tokio::test]
async fn an_expired_key_is_refused_from_that_second_on() {
    let server = TestServer::with_ada_connected().await;
    let expires_at = Some(server.now() + Duration::from_secs(90));
    let holder = server.holder("short", Rights { expires_at, ..Rights::default() }).await;
    server.pass(Duration::from_secs(89));
    assert_eq!(holder.get("/api/token").await.status, 200);
    server.pass(Duration::from_secs(1));
    let problem = holder.get("/api/token").await.is_problem(401, "unauthorized");
    assert!(detail(&problem).contains("has expired"), "{problem}");
}

#[tokio::test]
async fn keys_come_and_go_within_five_seconds() {
    let server = TestServer::with_ada_connected().await;
    let first = server.holder("first", Rights::default()).await;
    assert_eq!(first.get("/api/token").await.status, 200);
    let second = server.holder("second", Rights::default()).await;
    assert_eq!(stored_keys(&server.store).remove("first").await.expect("the store works"), UpdateOutcome::Updated);
    server.pass(KEYS_ARE_READ_EVERY);
    assert_eq!(second.get("/api/token").await.status, 200);
    first.get("/api/token").await.is_problem(401, "unauthorized");
}

#[tokio::test]
async fn while_the_store_is_down_keys_that_were_read_work_for_an_hour() {
    let (store, server) = FailingStore::start().await;
    server.logged_in().await;
    let holder = server.holder("a", Rights::default()).await;
    let stranger = server.api_client().with_key(server.key("b", Rights::default()).await.expose_secret());
    stored_keys(&server.store).remove("b").await.expect("the store works");
    assert_eq!(holder.get("/api/token").await.status, 200);
    stranger.get("/api/token").await.is_problem(401, "unauthorized");
    store.take_keys_away();
    for minutes in [1, 58] {
        server.pass(Duration::from_secs(minutes * 60));
        assert_eq!(holder.get("/api/token").await.status, 200);
        stranger.get("/api/token").await.is_problem(503, "store-unavailable");
    }
    server.pass(Duration::from_secs(60));
    holder.get("/api/token").await.is_problem(503, "store-unavailable");
    assert_eq!(server.api_client().get("/api/token").await.status, 200, "a key of the environment needs no store");
    store.give_keys_back();
    server.pass(Duration::from_secs(1));
    assert_eq!(holder.get("/api/token").await.status, 200);
}

#[tokio::test]
async fn the_last_use_is_noted_to_the_minute() {
    let server = TestServer::with_ada_connected().await;
    let holder = server.holder("a", Rights::default()).await;
    let noted = async |expected| {
        for _ in 0..600 {
            let keys = stored_keys(&server.store).list().await.expect("the store works");
            if keys[0].last_used == Some(expected) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the use at {expected} is not noted");
    };
    server.pass(Duration::from_secs(30));
    holder.get("/api/token").await;
    noted(server.now() - Duration::from_secs(30)).await;
    server.pass(Duration::from_secs(60));
    holder.get("/api/connections").await;
    noted(server.now() - Duration::from_secs(30)).await;
}

#[tokio::test]
async fn who_can_write_to_the_store_cannot_make_or_widen_a_key() {
    let server = TestServer::with_ada_connected().await;
    let (narrow, wide) =
        (server.key("narrow", rights(&[GRACE], &[], &[])).await, server.key("wide", Rights::default()).await);
    let rows = server.store.api_keys().await.expect("the store works");
    let (mut forged, wide_row) = (rows[0].clone(), &rows[1]);
    forged.sealed = wide_row.sealed.clone();
    server.store.remove_api_key("narrow").await.expect("the store works");
    server.store.add_api_key(&forged).await.expect("the store works");
    server.api_client().with_key(narrow.expose_secret()).get("/api/token").await.is_problem(401, "unauthorized");
    assert_eq!(server.api_client().with_key(wide.expose_secret()).get("/api/token").await.status, 200);
}

#[tokio::test]
async fn keys_outlive_a_change_of_express_session_that_names_the_previous_one() {
    let server = TestServer::with_ada_connected().await;
    let key = server.key("a", Rights::default()).await;
    let changed = |previous| {
        let other = keep_mode().var("EXPRESS_SESSION", "another-secret-0123456789-abcdefghij").beside(&server);
        other.var("EXPRESS_SESSION_PREVIOUS", previous)
    };
    let without = changed("").start().await;
    without.api_client().with_key(key.expose_secret()).get("/api/openapi.json").await.is_problem(401, "unauthorized");
    let other = changed(SECRET).start().await;
    assert_eq!(other.api_client().with_key(key.expose_secret()).get("/api/token").await.status, 200);
    for _ in 0..600 {
        let count = stored_keys(&server.store).count().await.expect("the store works");
        if (count.total, count.unreadable) == (1, 1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the rights are still encrypted by the previous secret");
}

#[tokio::test]
async fn what_only_looks_like_a_key_does_not_ask_the_store() {
    let (store, server) = FailingStore::start().await;
    store.take_keys_away();
    let key = "vak_0000000000000000000000000000000000000000000000000";
    for wrong in ["vak_", key, &format!("{KEY}x")] {
        server.api_client().with_key(wrong).get("/api/token").await.is_problem(401, "unauthorized");
    }
}
