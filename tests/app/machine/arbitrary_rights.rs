//! Whatever a program with a limited API key sends, nothing beyond the key's rights reaches VideoAsk, and no other
//! token is handed out.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::{Router, extract::Request};
use proptest::{collection::vec, prelude::*, sample::select};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Runtime;
use videoask_auth::api_key::{Rights, TokenAccess};

use super::rights::{ADA, GRACE, rights};
use crate::support::{TestServer, api_client::keep_mode, listen};

/// A request that arrived at VideoAsk's API.
#[derive(Clone, Debug)]
struct ReceivedRequest {
    method: String,
    path: String,
    token: String,
}

/// An app with API keys, and a VideoAsk API that records the requests that arrive.
struct RecordingApi {
    runtime: Runtime,
    server: TestServer,
    keys: Vec<(SecretString, Rights)>,
    /// Each access token, with the user whose token it is.
    tokens: [(String, &'static str); 2],
    arrived: Arc<Mutex<Vec<ReceivedRequest>>>,
}

/// Held while a test sends a request and reads what arrived, because the tests share the recording API.
static TURN: Mutex<()> = Mutex::new(());

static RECORDED: LazyLock<RecordingApi> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("the system has threads");
    let (server, keys, tokens, arrived) = runtime.block_on(async {
        let first = TestServer::with_both_connected().await;
        let arrived = Arc::<Mutex<Vec<ReceivedRequest>>>::default();
        let listener = listen().await;
        let api = format!("http://{}", listener.local_addr().expect("it is bound"));
        let record = Arc::clone(&arrived);
        let router = Router::new().fallback(async move |request: Request| {
            let header =
                request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
            record.lock().expect("no test panicked here").push(ReceivedRequest {
                method,
                path,
                token: header.replace("Bearer ", ""),
            });
        });
        tokio::spawn(async { axum::serve(listener, router).await });
        let server = keep_mode().beside(&first).var("VIDEOASK_API_URL", api).start().await;
        let token = async |user: &str| {
            let page = server.api_client().get(&format!("/api/token?user={user}")).await.json();
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
            keys.push((server.key(&format!("key{place}"), rights.clone()).await, rights));
        }
        (server, keys, tokens, arrived)
    });
    RecordingApi { runtime, server, keys, tokens, arrived }
});

/// Whether one of these prefixes covers the path, as a server sees it that decodes everything.
fn is_below(path: &str, prefixes: &[String]) -> bool {
    let decoded = decoded(path);
    let segments: Vec<&str> = decoded.split('/').collect();
    !segments.iter().any(|segment| matches!(*segment, "." | ".."))
        && prefixes.iter().any(|prefix| {
            let prefix: Vec<&str> = prefix.split('/').collect();
            segments.len() >= prefix.len() && segments[..prefix.len()] == prefix[..]
        })
}

/// The entries of a list of rights, as they are stored.
fn texts(list: &impl serde::Serialize) -> Vec<String> {
    serde_json::from_value(serde_json::to_value(list).expect("JSON")).expect("texts")
}

fn assert_covered(rights: &Rights, arrived: &ReceivedRequest, owner: &str) {
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
        let RecordingApi { runtime, server, keys, tokens, arrived } = &*RECORDED;
        let (key, rights) = &keys[key];
        let users = users.iter().map(|user| format!("X-VideoAsk-User: {user}\r\n")).collect::<Vec<_>>().concat();
        let path = format!("{start}{}{end}{query}", segments.join("/"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {}\r\nX-HTTP-Method-Override: GET\r\n\
             {users}Connection: close\r\n\r\n", server.port, key.expose_secret(),
        );
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.lock().expect("no test panicked here").clear();
        let answer = runtime.block_on(server.raw(&request));
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
        let RecordingApi { runtime, server, keys, tokens, .. } = &*RECORDED;
        let (key, rights) = &keys[key];
        let machine = server.api_client().with_key(key.expose_secret());
        let secret = key.expose_secret();
        let grant = format!("grant_type=client_credentials{more}");
        let post = |request: RequestBuilder, body: String| {
            request.header("content-type", "application/x-www-form-urlencoded").body(body)
        };
        let page = runtime.block_on(async {
            let url = server.app.join(endpoint).expect("a path");
            let browser = server.browser();
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
    let RecordingApi { runtime, server, keys, tokens: [_, (token, owner)], .. } = &*RECORDED;
    let page = runtime.block_on(server.oauth(owner, keys[0].0.expose_secret()));
    assert_eq!(page.json()["access_token"], *token);
}

#[test]
fn what_a_key_covers_reaches_videoask() {
    let RecordingApi { runtime, server, keys, arrived, .. } = &*RECORDED;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, method, path, user) in [
        (0, "PURGE", "/proxy/me", GRACE),
        (1, "HEAD", "/proxy/x", ADA),
        (2, "DELETE", "/proxy/%66orms/x%2d", GRACE),
        (3, "POST", "/proxy/forms/a%2Db", ADA),
        (4, "GET", "/proxy/Forms", GRACE),
    ] {
        let machine = server.api_client().with_key(keys[key].0.expose_secret());
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let page = runtime.block_on(machine.send(method, path, |request| request.header("x-videoask-user", user)));
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        let arrived = arrived.lock().expect("no test panicked here");
        let raw = path.strip_prefix("/proxy").expect("it is below the proxy");
        assert!(arrived.iter().any(|arrived| arrived.path == raw), "{path}: {arrived:?}");
    }
}

/// The path, as a server reads it that decodes everything.
fn decoded(path: &str) -> String {
    // In a path, a plus sign is not a space.
    let pair = format!("path={}", path.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}
