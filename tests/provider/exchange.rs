use std::time::Duration;

use oauth2::{AuthorizationCode, PkceCodeVerifier};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;
use videoask_auth::{
    config::Pkce,
    provider::{ExchangeError, Provider, TokenResponse},
};

use crate::{
    ports::ReservedPort,
    stub::{SECRET, Stub, chain, config, json as json_answer, local_url, provider},
};

const CODE: &str = "canary-code";
const VERIFIER: &str = "canary-verifier-canary-verifier-canary-verifier";

async fn exchange(provider: &Provider) -> Result<TokenResponse, ExchangeError> {
    let verifier = PkceCodeVerifier::new(VERIFIER.to_owned());
    provider.exchange_code(AuthorizationCode::new(CODE.to_owned()), Some(verifier)).await
}

/// A server that reads one request to its end, sends `reply` and disconnects.
async fn cutting_server(reply: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = local_url(listener.local_addr().expect("a bound port").port());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !String::from_utf8_lossy(&request).contains("redirect_uri=") {
            stream.read_buf(&mut request).await.expect("the request");
        }
        stream.write_all(reply.as_bytes()).await.expect("an open connection");
    });
    url
}

#[tokio::test]
async fn a_code_is_exchanged_by_a_form_with_the_client_in_its_body() {
    let stub = Stub::answering(|_| {
        json_answer(
            200,
            &json!({ "access_token": "at-1", "refresh_token": "rt-1", "id_token": "a.b.c", "scope": "openid",
                     "expires_in": 86400, "token_type": "Bearer" }),
        )
    })
    .await;
    let reply = exchange(&stub.provider()).await.expect("a token set");
    assert_eq!(reply.access_token.secret(), "at-1");
    assert_eq!(reply.refresh_token.expect("offline_access").secret(), "rt-1");
    assert_eq!((reply.scope.as_deref(), reply.expires_in), (Some("openid"), Some(Duration::from_secs(86_400))));
    assert!(reply.id_token.is_some());

    let [request] = &stub.seen()[..] else { panic!("sent once: {:?}", stub.seen()) };
    assert_eq!((request.method.as_str(), request.uri.path()), ("POST", "/oauth/token"));
    for (field, value) in [
        ("grant_type", "authorization_code"),
        ("code", CODE),
        ("code_verifier", VERIFIER),
        ("client_id", "client-1"),
        ("client_secret", SECRET),
        ("redirect_uri", "http://localhost:3000/auth/videoask/callback"),
    ] {
        assert_eq!(request.field(field).as_deref(), Some(value), "{field}");
    }
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("user-agent"), Some(concat!("videoask-auth/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn with_pkce_off_no_verifier_is_sent() {
    let stub = Stub::answering(|_| json_answer(200, &json!({ "access_token": "at-1" }))).await;
    let mut config = config(&stub.url);
    config.pkce = Pkce::Off;
    exchange(&provider(&config).0).await.expect("a token set");
    assert_eq!(stub.seen()[0].field("code_verifier"), None);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let nobodys = ReservedPort::new();
    let url = local_url(nobodys.number());
    let error = exchange(&provider(&config(&url)).0).await.expect_err("nobody listens");
    assert!(matches!(error, ExchangeError::NotSent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_cut_after_sending_leaves_the_outcome_unknown() {
    for reply in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"access_token\":",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 9\r\n\r\n{",
    ] {
        let error = exchange(&provider(&config(&cutting_server(reply).await)).0).await.expect_err("cut");
        assert!(matches!(error, ExchangeError::NoResponse { .. }), "{reply}: {error:?}");
        assert!(!chain(&error).contains("canary"), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_status_that_says_busy_counts_even_where_the_body_is_cut() {
    let reply = "HTTP/1.1 503 Busy\r\nretry-after: 5\r\ncontent-length: 99\r\n\r\n<htm";
    let error = exchange(&provider(&config(&cutting_server(reply).await)).0).await.expect_err("cut");
    let ExchangeError::Unavailable { status: 503, code: None, retry_after } = error else { panic!("{error:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn a_refusal_keeps_code_and_words_but_no_echo_of_a_secret() {
    let stub = Stub::answering(|seen| {
        json_answer(403, &json!({ "error": "invalid_grant", "error_description": format!("Bad {}\u{7}", seen.body) }))
    })
    .await;
    let echo = Stub::answering(|seen| {
        let words =
            format!("{} {}", seen.field("code").unwrap_or_default(), seen.field("client_secret").unwrap_or_default());
        json_answer(401, &json!({ "error": words, "error_description": words }))
    })
    .await;
    let error = exchange(&stub.provider()).await.expect_err("refused");
    let ExchangeError::Refused { status: 403, code, description, .. } = &error else { panic!("{error:?}") };
    assert_eq!(code, "invalid_grant");
    assert!(description.starts_with("Bad grant_type=authorization_code") && description.chars().count() <= 200);
    assert!(!chain(&error).contains("canary"), "{}", chain(&error));
    let error = exchange(&echo.provider()).await.expect_err("refused");
    assert!(
        matches!(error, ExchangeError::Refused { status: 401, .. }) && !chain(&error).contains("canary"),
        "{error:?}"
    );
}
