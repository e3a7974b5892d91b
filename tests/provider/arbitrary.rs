//! Whatever the token endpoint and the API respond: nothing panics, no error message contains a secret, and the class
//! of a response is the one of docs/vault.md, rule 7.
//!
//! If a case fails, proptest prints it with the seed that reproduces it (`PROPTEST_RNG_SEED`).

use std::sync::{Arc, LazyLock, Mutex};

use oauth2::{AccessToken, RefreshToken};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use videoask_auth::{
    clock::Clock,
    config::ApiConfig,
    provider::{ExchangeError, Provider, TokenResponse},
    telemetry::Metrics,
    videoask::{Api, Page},
};

use crate::stub::{NOW, SECRET, Stub, answer, chain};

/// The refresh token that is sent.
const SENT: &str = "canary-refresh-token-that-was-sent";
/// The token that the responses contain, and that the API is called with.
const CAME: &str = "canary-token-that-came";
const TRANSIENT: [&str; 3] = ["too_many_requests", "temporarily_unavailable", "server_error"];

/// A response of the provider or the API.
#[derive(Clone, Debug)]
struct AnyResponse {
    status: u16,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// Clients of a provider and of an API, which are one server that responds with `next`.
struct Clients {
    runtime: Runtime,
    next: Arc<Mutex<AnyResponse>>,
    provider: Provider,
    api: Api,
}

/// One for each test, because the tests run concurrently.
static BEFORE_THE_TOKEN_ENDPOINT: LazyLock<Clients> = LazyLock::new(Clients::new);
static BEFORE_THE_API: LazyLock<Clients> = LazyLock::new(Clients::new);

impl Clients {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let next = Arc::new(Mutex::new(AnyResponse { status: 200, headers: Vec::new(), body: Vec::new() }));
        let told = Arc::clone(&next);
        let stub = runtime.block_on(Stub::answering(move |_| {
            let AnyResponse { status, headers, body } = told.lock().unwrap().clone();
            let mut response = answer(status, &[], body);
            for (name, value) in headers {
                if let Ok(value) = value.try_into() {
                    response.headers_mut().append(name, value);
                }
            }
            response
        }));
        let config = ApiConfig { url: stub.url.clone(), organization_id: None };
        let api = Api::new(&config, Clock::manual(NOW).0, Metrics::default()).unwrap();
        Self { runtime, next, provider: stub.provider(), api }
    }

    fn refresh(&self, response: &AnyResponse) -> Result<TokenResponse, ExchangeError> {
        *self.next.lock().unwrap() = response.clone();
        self.runtime.block_on(self.provider.refresh(&RefreshToken::new(SENT.to_owned())))
    }

    /// The results of `/me` and `/forms`, or their errors, for this response, as text.
    fn call(&self, response: &AnyResponse) -> String {
        *self.next.lock().unwrap() = response.clone();
        let token = AccessToken::new(CAME.to_owned());
        self.runtime.block_on(async {
            let me = self.api.me(&token).await.map_err(|error| format!("{error} {}", chain(&error)));
            let forms = self.api.forms(&token, &Page::new(20, 0)).await;
            format!("{me:?} {:?}", forms.map_err(|error| format!("{error} {}", chain(&error))))
        })
    }
}

/// Final statuses of HTTP that may have a body. Those that docs/vault.md, rule 7, names are more frequent.
fn status() -> impl Strategy<Value = u16> {
    prop_oneof![select(vec![200, 200, 201, 302, 400, 401, 403, 429, 500, 503]), 200..600_u16]
        .prop_filter("these have no body", |status| ![204, 205, 304].contains(status))
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = select(vec!["content-type", "retry-after", "x-ratelimit-reset", "location", "set-cookie", "date"]);
    let value = prop_oneof![
        select(vec!["application/json", "text/html", "0", "-1", "99999999999999999999", "/elsewhere"])
            .prop_map(|value| value.as_bytes().to_vec()),
        vec(prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8], 0..30),
    ];
    vec((name, value), 0..4)
}

/// Text, with or without a secret in it.
fn text() -> impl Strategy<Value = String> {
    let secret = select(vec!["", SENT, SECRET, CAME]);
    ("\\PC{0,20}", secret, "\\PC{0,20}").prop_map(|(before, secret, after)| format!("{before}{secret}{after}"))
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z_]{0,8}", inner), 0..4).prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A JSON object with some of these names and others.
fn object(names: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![4 => select(names).prop_map(str::to_owned), 1 => "[a-z_]{0,8}"];
    let value = prop_oneof![
        json_value(),
        select([&TRANSIENT[..], &[CAME, "invalid_grant", "unauthorized_client"]].concat()).prop_map(Value::from)
    ];
    vec((name, value), 0..8).prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>()).to_string().into())
}

fn response(names: &'static [&'static str]) -> impl Strategy<Value = AnyResponse> {
    let body = prop_oneof![
        4 => object(names),
        1 => json_value().prop_map(|json| json.to_string().into_bytes()),
        1 => any::<Vec<u8>>(),
        1 => text().prop_map(String::into_bytes),
    ];
    // Some bodies are cut off somewhere.
    let body = (body, option::of(any::<prop::sample::Index>())).prop_map(|(mut body, cut)| {
        if let Some(cut) = cut.filter(|_| body.len() > 20) {
            body.truncate(cut.index(body.len()));
        }
        body
    });
    (status(), headers(), body).prop_map(|(status, headers, body)| AnyResponse { status, headers, body })
}

/// The class of a response by docs/vault.md, rule 7, derived from the response alone.
#[derive(Debug, PartialEq, Eq)]
enum Class {
    Tokens,
    Transient,
    Refused(String),
}

fn class(response: &AnyResponse) -> Class {
    let json: Map<String, Value> = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |name: &str| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let is_usable = |token: &str| token.bytes().all(|byte| byte.is_ascii_graphic());
    if response.status == 429 || response.status >= 500 {
        Class::Transient
    } else if response.status < 300 && text("access_token").is_some_and(is_usable) {
        Class::Tokens
    } else {
        match text("error") {
            Some(code) if TRANSIENT.contains(&code) => Class::Transient,
            Some(code) => Class::Refused(code.to_owned()),
            None => Class::Transient,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_token_response_has_its_class_and_shows_no_secret(
        response in response(&["access_token", "refresh_token", "id_token", "expires_in", "scope", "error", "error_description"])
    ) {
        let answer = BEFORE_THE_TOKEN_ENDPOINT.refresh(&response);
        let (found, shown) = match &answer {
            // The scope is not secret, and shows whatever the provider put there.
            Ok(response) => (Class::Tokens, format!("{:?}", TokenResponse { scope: None, ..response.clone() })),
            Err(error) => {
                let class = match error {
                    ExchangeError::Unavailable { .. } | ExchangeError::MalformedResponse { .. } => Class::Transient,
                    ExchangeError::Refused { code, .. } => Class::Refused(code.clone()),
                    ExchangeError::NotSent { .. } | ExchangeError::NoResponse { .. } => {
                        return Err(TestCaseError::fail(format!("there is an answer: {}", chain(error))));
                    }
                };
                (class, chain(error))
            }
        };
        match (&found, class(&response)) {
            // The error escapes and shortens the code that it quotes.
            (Class::Refused(_), Class::Refused(code)) => {
                prop_assert!(code != "invalid_grant" || found == Class::Refused(code));
            }
            (found, expected) => prop_assert_eq!(found, &expected),
        }
        for secret in [SENT, SECRET] {
            prop_assert!(!shown.contains(secret), "{}", shown);
        }
        prop_assert!(found != Class::Tokens || !shown.contains(CAME), "{}", shown);
    }

    #[test]
    fn no_answer_of_the_api_panics_or_shows_the_token(
        response in response(&["user_id", "username", "email", "count", "next", "previous", "results", "detail"])
    ) {
        // Names of users and forms are shown, so a token may only appear if the response contains it.
        let shown = BEFORE_THE_API.call(&response);
        let body = String::from_utf8_lossy(&response.body).into_owned();
        prop_assert!(!shown.contains(CAME) || body.contains(CAME), "{}", shown);
    }
}
