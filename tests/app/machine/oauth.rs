//! `POST /oauth/token` (RFC 6749) and its metadata (RFC 8414).

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use standin::{Endpoint, Fault};

use crate::support::{FailingStore, KEY, Page, Setup, TestServer, api_client::keep_mode, browser};

const DAY: u64 = 24 * 60 * 60;
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

impl TestServer {
    async fn post(&self, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Page {
        let browser = self.browser();
        browser.send(Method::POST, &browser.url("/oauth/token"), with).await
    }

    /// Sends a token request with the credentials in the body.
    pub async fn oauth(&self, client_id: &str, client_secret: &str) -> Page {
        self.post(|request| request.form(&[GRANT, ("client_id", client_id), ("client_secret", client_secret)])).await
    }

    async fn raw_form(&self, body: &str) -> Page {
        let form = "application/x-www-form-urlencoded";
        self.post(|request| request.header("content-type", form).body(body.to_owned())).await
    }
}

impl Page {
    /// Asserts that this is an error with this status and code, and returns it.
    pub fn is_oauth_error(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        let error = self.json();
        assert_eq!(error["error"], code, "{error}");
        let is_permitted = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
        assert!(error["error_description"].as_str().is_some_and(|text| text.chars().all(is_permitted)), "{error}");
        let challenge = self.header("www-authenticate");
        assert_eq!(challenge.is_some_and(|challenge| challenge.starts_with("Basic ")), status == 401);
        assert_eq!(self.header("retry-after").is_some(), status == 503);
        self.is_not_stored();
        error
    }

    fn is_not_stored(&self) {
        let headers = ["content-type", "cache-control", "pragma"].map(|name| self.header(name));
        assert_eq!(headers, [Some("application/json"), Some("no-store"), Some("no-cache")]);
    }
}

#[tokio::test]
async fn a_token_comes_as_rfc_6749_has_it() {
    let server = TestServer::with_ada_connected().await;
    server.pass(Duration::from_secs(60 * 60));
    let page = server.oauth("default", KEY).await;
    assert_eq!(page.status, 200, "{}", page.text());
    page.is_not_stored();
    let token = server.api_client().token().await;
    let scope = "openid profile email offline_access";
    let expected = json!({"access_token": token, "token_type": "Bearer", "expires_in": DAY - 60 * 60, "scope": scope});
    assert_eq!(page.json(), expected);
}

#[tokio::test]
async fn basic_credentials_are_read_encoded_or_not() {
    let key = "a+b/c~d-0123456789-0123456789-abc==";
    let plus = "ada+videoask@example.com";
    let server = keep_mode().var("ALLOWED_USERS", plus).var("API_KEY", key).start().await;
    server.browser().log_in(plus).await;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for id in [plus.to_owned(), encoded(plus), "default".to_owned()] {
        for secret in [key.to_owned(), encoded(key)] {
            let page = server.post(|request| request.basic_auth(&id, Some(&secret)).form(&[GRANT])).await;
            assert_eq!(page.status, 200, "{id} {secret}: {}", page.text());
        }
    }
    for body in [format!("client_id={plus}"), format!("client_id={}", encoded(plus))] {
        let page =
            server.raw_form(&format!("{body}&grant_type=client_credentials&client_secret={}", encoded(key))).await;
        assert_eq!(page.status, 200, "{body}: {}", page.text());
    }
}

#[tokio::test]
async fn what_else_a_client_sends_is_ignored() {
    let server = TestServer::with_ada_connected().await;
    let parameters = [GRANT, ("client_id", "default"), ("client_secret", KEY), ("scope", "forms"), ("audience", "x")];
    assert_eq!(server.post(|request| request.form(&parameters)).await.status, 200);
    let credentials = format!("grant_type=client_credentials&client_id=default&client_secret={KEY}");
    let page = server.raw_form(&format!("{credentials}&resource=a&resource=b")).await;
    assert_eq!(page.status, 200, "RFC 8707 repeats a parameter: {}", page.text());
    // A client id in the body, in addition to Basic, is not a second way to authenticate.
    let page = server.post(|request| request.basic_auth("default", Some(KEY)).form(&[GRANT, ("client_id", "default")]));
    assert_eq!(page.await.status, 200);
}

#[tokio::test]
async fn a_malformed_request_is_told_apart_from_wrong_credentials() {
    let server = TestServer::with_ada_connected().await;
    let rest = format!("client_id=default&client_secret={KEY}");
    for body in [
        "",
        &rest,
        &format!("grant_type=&{rest}"),
        &format!("grant_type=client_credentials&grant_type=client_credentials&{rest}"),
        &format!("grant_type=client_credentials&{rest}&client_secret={KEY}"),
        &format!("grant_type=client_credentials&{rest}&scope=a&scope=b"),
    ] {
        server.raw_form(body).await.is_oauth_error(400, "invalid_request");
    }
    for grant in ["password", "refresh_token", "Client_Credentials"] {
        server.raw_form(&format!("grant_type={grant}&{rest}")).await.is_oauth_error(400, "unsupported_grant_type");
    }
    let json = json!({"grant_type": "client_credentials", "client_id": "default", "client_secret": KEY});
    server.post(|request| request.json(&json)).await.is_oauth_error(400, "invalid_request");
    let twice = [GRANT, ("client_id", "default"), ("client_secret", KEY)];
    let page = server.post(|request| request.basic_auth("default", Some(KEY)).form(&twice)).await;
    page.is_oauth_error(400, "invalid_request");
    let page = server
        .post(|request| request.basic_auth("default", Some(KEY)).form(&[GRANT, ("client_id", "grace@example.com")]));
    page.await.is_oauth_error(400, "invalid_request");
    let page = server.post(|request| request.basic_auth("default", Some(KEY)).bearer_auth(KEY).form(&[GRANT])).await;
    page.is_oauth_error(400, "invalid_request");
    let browser = server.browser();
    let url = browser.url("/oauth/token?grant_type=client_credentials");
    let page = browser.send(Method::POST, &url, |request| request.basic_auth("default", Some(KEY)).form(&[GRANT]));
    page.await.is_oauth_error(400, "invalid_request");
    server.raw_form(&"x".repeat(70_000)).await.is_oauth_error(413, "invalid_request");
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 0);
}

#[tokio::test]
async fn wrong_credentials_are_challenged() {
    let server = TestServer::with_ada_connected().await;
    for body in
        ["", "&client_id=default", &format!("&client_secret={KEY}"), &format!("&client_id=&client_secret={KEY}")]
    {
        server.raw_form(&format!("grant_type=client_credentials{body}")).await.is_oauth_error(401, "invalid_client");
    }
    for (id, secret) in [("default", &*format!("{KEY}x")), ("eve@example.com", KEY), ("Default", KEY)] {
        server.oauth(id, secret).await.is_oauth_error(401, "invalid_client");
        let page = server.post(|request| request.basic_auth(id, Some(secret)).form(&[GRANT])).await;
        page.is_oauth_error(401, "invalid_client");
    }
    for header in [&*format!("Bearer {KEY}"), "Basic", "Basic ?", "Basic ZGVmYXVsdA==", "Basic /w==", "Negotiate x"] {
        let page = server.post(|request| request.header("authorization", header).form(&[GRANT])).await;
        page.is_oauth_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn it_takes_only_post_and_the_metadata_only_get() {
    let server = TestServer::with_ada_connected().await;
    server.api_client().get("/oauth/token").await.is_problem(405, "method-not-allowed");
    let posted =
        server.api_client().send(Method::POST, "/.well-known/oauth-authorization-server", |request| request).await;
    posted.is_problem(405, "method-not-allowed");
    server.api_client().get("/.well-known/openid-configuration").await.is_problem(404, "not-found");
}

#[tokio::test]
async fn the_metadata_names_the_endpoint_at_app_url() {
    let server = keep_mode().start().await;
    let page = server.browser().get("/.well-known/oauth-authorization-server").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("application/json")));
    let issuer = server.app.as_str().trim_end_matches('/');
    assert_eq!(
        page.json(),
        json!({
            "issuer": issuer,
            "token_endpoint": format!("{issuer}/oauth/token"),
            "response_types_supported": ["none"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        })
    );
}

#[tokio::test]
async fn in_mint_mode_there_is_neither() {
    let server = Setup::default().start().await;
    server.oauth("default", KEY).await.is_problem(404, "not-found");
    server.browser().get("/.well-known/oauth-authorization-server").await.is_problem(404, "not-found");
}

#[tokio::test]
async fn two_hundred_clients_at_the_moment_of_expiry_share_one_exchange() {
    let server = TestServer::with_ada_connected().await;
    server.pass(Duration::from_secs(DAY));
    server.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, Fault::SlowReply { ms: 50 }));
    let (client, url) = (browser::client(), server.app.join("/oauth/token").expect("a path"));
    let token = async |_| {
        let request = client.post(url.clone()).basic_auth("default", Some(KEY)).form(&[GRANT]);
        let response = request.send().await.expect("the app answers");
        response.json::<Value>().await.expect("JSON")["access_token"].clone()
    };
    let tokens = join_all((0..200).map(token)).await;
    assert!(tokens[0].is_string() && tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(server.standin.counters().requests_to(Endpoint::Token), 1);
}

#[tokio::test]
async fn a_block_that_a_person_lifts_is_no_temporary_failure() {
    let server = TestServer::with_ada_connected().await;
    let refusal = Fault::Error { status: 403, error: "mfa_required".into(), description: "Multifactor".into() };
    server.standin.change_faults(|faults| faults.always(Endpoint::Token, refusal));
    server.pass(Duration::from_secs(DAY));
    let error = server.oauth("default", KEY).await.is_oauth_error(400, "invalid_grant");
    let login = format!("{}auth/videoask", server.app);
    assert_eq!(error["error_uri"], login);
    assert!(error["error_description"].as_str().is_some_and(|text| text.contains(&login)), "{error}");
}

#[tokio::test]
async fn a_store_that_is_down_is_a_temporary_failure() {
    let (store, server) = FailingStore::start().await;
    server.logged_in().await;
    store.take_away();
    server.oauth("grace@example.com", KEY).await.is_oauth_error(503, "temporarily_unavailable");
    store.take_keys_away();
    let stored = "vak_0000000000000000000000000000000000000000000000000";
    server.oauth("default", stored).await.is_oauth_error(401, "invalid_client");
}
