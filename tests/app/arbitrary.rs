//! Whatever anyone sends as cookies, queries and callbacks, the app does not fail.
//!
//! If a case fails, proptest prints it with the seed that reproduces it.

use std::sync::LazyLock;

use proptest::{collection::vec, prelude::*, sample::select};
use reqwest::{
    Client, Method, StatusCode,
    header::{COOKIE, HeaderMap, HeaderValue},
};
use standin::Endpoint;
use tokio::runtime::Runtime;

use crate::support::{TestServer, browser};

const ROUTES: [&str; 12] = [
    "/",
    "/auth/videoask",
    "/auth/videoask/callback",
    "/tokens",
    "/tokens/export/env",
    "/tokens/export/json",
    "/tokens/forms",
    "/logout",
    "/healthz",
    "/robots.txt",
    "/static/style.css",
    "/nowhere",
];

/// One app for all cases, the runtime that serves it, and an HTTP client.
struct App {
    runtime: Runtime,
    server: TestServer,
    client: Client,
}

static APP: LazyLock<App> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("the system has threads");
    let server = runtime.block_on(TestServer::start());
    App { runtime, server, client: browser::client() }
});

/// Sends one request, and returns the status. `None` if the URL is not one of the app.
fn ask(method: Method, path_and_query: &str, cookies: Option<HeaderValue>) -> Option<StatusCode> {
    let App { runtime, server, client } = &*APP;
    let url = server.app.join(path_and_query).ok().filter(|url| url.origin() == server.app.origin())?;
    let headers: HeaderMap = cookies.into_iter().map(|cookies| (COOKIE, cookies)).collect();
    let request = client.request(method, url).headers(headers).header("sec-fetch-site", "same-origin");
    Some(runtime.block_on(async { request.send().await.expect("the server answers").status() }))
}

/// Cookies with names that the app reads and others, and with values that look like its own and others.
fn cookies() -> impl Strategy<Value = Vec<u8>> {
    let port = APP.server.port;
    let own = select(vec![
        format!("videoask-auth-{port}"),
        format!("videoask-auth-{port}-login-"),
        format!("videoask-auth-{port}-login-AAAAAAAAAAAAAAAA"),
        "__Host-videoask-auth".to_owned(),
    ]);
    let name = prop_oneof![own, "[!-~]{0,12}"];
    let value = prop_oneof![
        "[A-Za-z0-9_-]{0,120}".prop_map(String::into_bytes),
        "[ -~]{0,40}".prop_map(String::into_bytes),
        vec(prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8], 0..40),
    ];
    let separator = select(vec!["; ", ";", "", ", "]);
    vec((name, value, separator), 0..8).prop_map(|pairs| {
        let pairs = pairs
            .into_iter()
            .map(|(name, value, separator)| [name.as_bytes(), b"=", &value, separator.as_bytes()].concat());
        pairs.collect::<Vec<_>>().concat()
    })
}

/// Queries with parameters that a route reads and others, well-formed or not.
fn query() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        select(vec!["state", "code", "iss", "error", "error_description", "prompt", "limit", "offset"])
            .prop_map(str::to_owned),
        "[a-z%\\[\\]]{0,6}",
    ];
    let value = prop_oneof!["[A-Za-z0-9_-]{0,60}", "[!-~&&[^#]]{0,30}", "(%[0-9a-f]{2}){0,12}", "\\PC{0,12}"];
    vec((name, value), 0..8)
        .prop_map(|pairs| pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_cookies_and_queries_break_no_route(
        route in select(&ROUTES[..]),
        method in select(vec![Method::GET, Method::POST, Method::HEAD, Method::DELETE]),
        cookies in cookies(),
        query in query(),
    ) {
        let cookies = HeaderValue::from_bytes(&cookies).ok();
        if let Some(status) = ask(method, &format!("{route}?{query}"), cookies) {
            prop_assert!(!status.is_server_error(), "{status}");
        }
    }

    #[test]
    fn an_arbitrary_callback_exchanges_nothing(cookies in cookies(), query in query()) {
        let cookies = HeaderValue::from_bytes(&cookies).ok();
        if let Some(status) = ask(Method::GET, &format!("/auth/videoask/callback?{query}"), cookies) {
            prop_assert_eq!(status, StatusCode::BAD_REQUEST);
        }
        prop_assert_eq!(APP.server.standin.counters().requests_to(Endpoint::Token), 0);
    }

    #[test]
    fn a_real_pending_login_changed_anywhere_exchanges_nothing(at in any::<prop::sample::Index>(), bit in 0..6_u32) {
        let App { runtime, server, .. } = &*APP;
        let browser = server.browser();
        let there = runtime.block_on(browser.get("/auth/videoask")).location().expect("it leads to VideoAsk");
        let state = there.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
        let (name, value) = (browser.cookie_names().remove(0), browser.cookie_values().remove(0));
        let changed = changed(&value, at.index(value.len()), bit);
        let cookie = HeaderValue::from_str(&format!("{name}={changed}")).expect("base64 fits a header");
        let status = ask(Method::GET, &format!("/auth/videoask/callback?code=c&state={state}"), Some(cookie));
        prop_assert_eq!(status, Some(StatusCode::BAD_REQUEST));
        prop_assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0);
    }
}

/// The same text, with one bit of the letter of URL-safe base64 at this place changed.
fn changed(text: &str, at: usize, bit: u32) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = text.as_bytes().to_vec();
    let letter = ALPHABET.iter().position(|letter| *letter == bytes[at]).expect("the cookie is URL-safe base64");
    bytes[at] = ALPHABET[letter ^ (1 << bit)];
    String::from_utf8(bytes).expect("base64 is ASCII")
}
