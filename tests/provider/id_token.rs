use std::sync::{Arc, LazyLock, Mutex};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair, PublicKeyComponents},
    signature::RSA_PKCS1_SHA256,
};
use serde_json::{Value, json};
use videoask_auth::{
    clock::ClockControl,
    provider::{IdClaims, IdToken, IdTokenError, JwksError, Nonce, Provider},
};

use crate::stub::{NOW, SECRET, Stub, answer, config, json as json_answer, local_url, provider};

const KEY_ONE: &[u8] = include_bytes!("keys/one.pk8");
const KEY_TWO: &[u8] = include_bytes!("keys/two.pk8");

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The public key of a key pair, as an entry of a JWKS.
fn jwk(pkcs8: &[u8], kid: &str) -> Value {
    let key = KeyPair::from_pkcs8(pkcs8).expect("a key of ours");
    let public: PublicKeyComponents<Vec<u8>> = key.public().into();
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": encode(public.n), "e": encode(public.e) })
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

fn rs256(pkcs8: &[u8], header: &Value, claims: &Value) -> IdToken {
    let message = unsigned(header, claims);
    let key = KeyPair::from_pkcs8(pkcs8).expect("a key of ours");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("a signature");
    IdToken::new(format!("{message}.{}", encode(signature)))
}

fn hs256(secret: &[u8], claims: &Value) -> IdToken {
    let message = unsigned(&json!({ "alg": "HS256" }), claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    IdToken::new(format!("{message}.{}", encode(tag)))
}

/// A provider whose JWKS a test can change.
struct TestProvider {
    stub: Stub,
    provider: Provider,
    clock_control: ClockControl,
    keys: Arc<Mutex<Value>>,
}

impl TestProvider {
    async fn with_keys(keys: Value) -> Self {
        let keys = Arc::new(Mutex::new(json!({ "keys": keys })));
        let served = Arc::clone(&keys);
        let stub = Stub::answering(move |_| match &*served.lock().expect("a key set") {
            Value::Null => answer(500, &[], ""),
            keys => json_answer(200, keys),
        })
        .await;
        let (provider, clock_control) = provider(&config(&stub.url));
        Self { stub, provider, clock_control, keys }
    }

    async fn new() -> Self {
        Self::with_keys(json!([jwk(KEY_ONE, "k1")])).await
    }

    fn serve(&self, keys: Value) {
        *self.keys.lock().expect("a key set") = keys;
    }

    fn claims(&self) -> Value {
        let now = NOW.unix_timestamp();
        json!({ "iss": self.stub.url, "aud": "client-1", "sub": "auth0|1", "exp": now + 3600, "iat": now,
                "nonce": "nonce-1", "email": "ada@example.com", "email_verified": true, "name": "Ada" })
    }

    /// Valid claims with one of them changed, or removed if the value is null.
    fn claims_with(&self, claim: &str, value: &Value) -> Value {
        let mut claims = self.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(claim)),
            value => claims[claim] = value.clone(),
        }
        claims
    }

    async fn verify(&self, token: &IdToken) -> Result<IdClaims, IdTokenError> {
        self.provider.verify_id_token(token, Some(&Nonce::new("nonce-1".to_owned()))).await
    }

    async fn verify_by(&self, kid: &str, pkcs8: &[u8]) -> Result<IdClaims, IdTokenError> {
        self.verify(&rs256(pkcs8, &json!({ "alg": "RS256", "kid": kid }), &self.claims())).await
    }

    async fn verify_claims(&self, claims: &Value) -> Result<IdClaims, IdTokenError> {
        self.verify(&rs256(KEY_ONE, &json!({ "alg": "RS256", "kid": "k1" }), claims)).await
    }
}

/// The name of the claim that was refused, and its received value.
fn refused(result: Result<IdClaims, IdTokenError>) -> (&'static str, String) {
    match result {
        Err(IdTokenError::Claim { claim, received, expected, fix }) => {
            assert!(!expected.is_empty() && !fix.is_empty());
            assert!(!format!("{received}{expected}").contains("nonce-1"), "the nonce stays secret");
            (claim, received)
        }
        other => panic!("a claim is refused, not {other:?}"),
    }
}

#[tokio::test]
async fn a_good_token_tells_who_logged_in() {
    let setting = TestProvider::new().await;
    let ada = setting.verify_claims(&setting.claims()).await.expect("a good token");
    let text = |text: &str| Some(text.to_owned());
    let email = text("ada@example.com");
    let (iss, sub) = (ada.iss.clone(), "auth0|1".to_owned());
    assert_eq!(setting.claims()["iss"], iss);
    assert_eq!(ada, IdClaims { iss, sub, email, email_verified: true, name: text("Ada") });
    assert_eq!(setting.stub.seen()[0].uri.path(), "/.well-known/jwks.json");
}

#[tokio::test]
async fn each_claim_that_is_wrong_is_named() {
    let setting = TestProvider::new().await;
    let now = NOW.unix_timestamp();
    for (claim, values) in [
        ("iss", vec![json!("https://evil.example/"), json!([setting.stub.url]), Value::Null]),
        ("aud", vec![json!("client-2"), json!(["client-2"]), json!([]), json!(["client-1", 7]), json!(7), Value::Null]),
        ("azp", vec![json!("client-2"), json!(7)]),
        ("exp", vec![json!(now - 60), json!(-1), json!("soon"), json!(1e300), Value::Null]),
        ("iat", vec![json!(now + 61), json!("now"), Value::Null]),
        ("nbf", vec![json!(now + 61), json!([])]),
        ("nonce", vec![json!("nonce-2"), json!(""), json!(1), Value::Null]),
        ("sub", vec![json!(""), json!("x".repeat(256)), json!(7), Value::Null]),
    ] {
        for value in values {
            let came = refused(setting.verify_claims(&setting.claims_with(claim, &value)).await);
            assert_eq!(came.0, claim, "{claim} = {value}");
            assert!(came.1.chars().count() <= 200);
        }
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let setting = TestProvider::new().await;
    let now = NOW.unix_timestamp();
    for (claim, value) in
        [("exp", json!(now - 59)), ("iat", json!(now + 60)), ("nbf", json!(now + 60)), ("exp", json!(1e10))]
    {
        setting.verify_claims(&setting.claims_with(claim, &value)).await.expect("within the tolerance");
    }
}

#[tokio::test]
async fn a_token_for_several_must_name_us_as_the_authorized_party() {
    let setting = TestProvider::new().await;
    let mut claims = setting.claims_with("aud", &json!(["client-1", "https://api.videoask.com/"]));
    assert_eq!(refused(setting.verify_claims(&claims).await).0, "azp");
    claims["azp"] = json!("client-1");
    setting.verify_claims(&claims).await.expect("for us, among others");
}

#[tokio::test]
async fn a_nonce_that_was_not_asked_for_is_refused() {
    let setting = TestProvider::new().await;
    let header = json!({ "alg": "RS256", "kid": "k1" });
    let verify = async |claims: &Value| setting.provider.verify_id_token(&rs256(KEY_ONE, &header, claims), None).await;
    assert_eq!(refused(verify(&setting.claims()).await), ("nonce", "another value".to_owned()));
    verify(&setting.claims_with("nonce", &Value::Null)).await.expect("none asked, none came");
}

#[tokio::test]
async fn the_client_secret_signs_hs256_and_a_public_key_never_does() {
    let setting = TestProvider::new().await;
    let claims = setting.claims();
    setting.verify(&hs256(SECRET.as_bytes(), &claims)).await.expect("signed by the secret");
    assert!(setting.stub.seen().is_empty(), "no key set is needed");
    let public = URL_SAFE_NO_PAD.decode(jwk(KEY_ONE, "k1")["n"].as_str().expect("n")).expect("base64");
    for wrong in [public.as_slice(), b"", b"another"] {
        assert_eq!(refused(setting.verify(&hs256(wrong, &claims)).await).0, "signature");
    }
    setting.serve(json!({ "keys": [{ "kty": "oct", "alg": "HS256", "k": encode("another") }] }));
    assert_eq!(refused(setting.verify(&hs256(b"another", &claims)).await).0, "signature");
}

#[tokio::test]
async fn other_algorithms_and_critical_extensions_are_refused() {
    let setting = TestProvider::new().await;
    for alg in [json!("none"), json!("None"), json!("HS512"), json!("PS256"), json!("ES256"), json!(7), Value::Null] {
        let token = rs256(KEY_ONE, &json!({ "alg": alg, "kid": "k1" }), &setting.claims());
        assert_eq!(refused(setting.verify(&token).await).0, "alg", "{alg}");
    }
    for crit in [json!(["exp"]), json!([]), Value::Null] {
        let header = json!({ "alg": "RS256", "kid": "k1", "crit": crit });
        assert_eq!(refused(setting.verify(&rs256(KEY_ONE, &header, &setting.claims())).await).0, "crit");
    }
}

#[tokio::test]
async fn keys_that_the_token_brings_along_are_ignored() {
    let setting = TestProvider::new().await;
    let evil = format!("{}evil", setting.stub.url);
    let brought = json!({ "alg": "RS256", "kid": "k1", "jku": evil, "x5u": evil, "jwk": jwk(KEY_TWO, "k1") });
    assert_eq!(refused(setting.verify(&rs256(KEY_TWO, &brought, &setting.claims())).await).0, "signature");
    setting.verify(&rs256(KEY_ONE, &brought, &setting.claims())).await.expect("signed by the known key");
    assert!(setting.stub.seen().iter().all(|seen| seen.uri.path() == "/.well-known/jwks.json"));
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_made_up_ones_do_not_flood_the_provider() {
    let setting = TestProvider::new().await;
    setting.verify_by("k1", KEY_ONE).await.expect("the first key");
    setting.serve(json!({ "keys": [jwk(KEY_TWO, "k2")] }));
    setting.verify_by("k2", KEY_TWO).await.expect("the new key");
    assert_eq!(setting.stub.seen().len(), 2);
    for _ in 0..3 {
        assert_eq!(refused(setting.verify_by("k3", KEY_TWO).await), ("kid", "k3".to_owned()));
    }
    assert_eq!(setting.stub.seen().len(), 2, "not within the minute");
    setting.clock_control.advance(std::time::Duration::from_secs(60));
    assert_eq!(refused(setting.verify_by("k3", KEY_TWO).await).0, "kid");
    assert_eq!(setting.stub.seen().len(), 3);
}

#[tokio::test]
async fn a_withdrawn_key_is_forgotten_within_the_hour() {
    let setting = TestProvider::new().await;
    setting.verify_by("k1", KEY_ONE).await.expect("the first key");
    setting.serve(Value::Null);
    setting.clock_control.advance(std::time::Duration::from_secs(3600));
    setting.verify_by("k1", KEY_ONE).await.expect("the old set serves while the provider cannot");
    setting.serve(json!({ "keys": [jwk(KEY_TWO, "k2")] }));
    setting.clock_control.advance(std::time::Duration::from_secs(60));
    assert_eq!(refused(setting.verify_by("k1", KEY_ONE).await).0, "kid");
}

#[tokio::test]
async fn many_logins_at_once_share_one_fetch() {
    let setting = TestProvider::new().await;
    let results = futures_util::future::join_all((0..20).map(|_| setting.verify_by("k1", KEY_ONE))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(setting.stub.seen().len(), 1);
}

#[tokio::test]
async fn a_failed_fetch_is_shared_too_and_tried_again_by_the_next_login() {
    let setting = TestProvider::new().await;
    setting.serve(Value::Null);
    let results = futures_util::future::join_all((0..20).map(|_| setting.verify_by("k1", KEY_ONE))).await;
    assert!(
        results.iter().all(|result| matches!(result, Err(IdTokenError::Keys(JwksError::Status(500))))),
        "{results:?}"
    );
    assert_eq!(setting.stub.seen().len(), 1);
    setting.serve(json!({ "keys": [jwk(KEY_ONE, "k1")] }));
    setting.verify_by("k1", KEY_ONE).await.expect("the provider is back");
}

#[tokio::test]
async fn keys_that_cannot_serve_are_skipped() {
    let mut small = jwk(KEY_ONE, "k1");
    small["n"] = json!(encode([0xff_u8; 255]));
    let with = |field: &str, value: Value| {
        let mut key = jwk(KEY_ONE, "k1");
        key[field] = value;
        key
    };
    let unusable = json!([
        small,
        with("use", json!("enc")),
        with("alg", json!("RS512")),
        with("key_ops", json!(["sign"])),
        with("n", json!("!")),
        with("kty", json!("XYZ")),
        { "kty": "EC", "kid": "k1", "crv": "P-256", "x": "", "y": "" },
        7,
    ]);
    let setting = TestProvider::with_keys(unusable.clone()).await;
    assert_eq!(refused(setting.verify_by("k1", KEY_ONE).await), ("kid", "k1".to_owned()));

    let mut keys = unusable.as_array().expect("a list").clone();
    keys.push(with("n", json!(format!("AAAA{}", jwk(KEY_ONE, "k1")["n"].as_str().expect("n")))));
    let setting = TestProvider::with_keys(json!(keys)).await;
    setting.verify_by("k1", KEY_ONE).await.expect("the one that can, leading zeros and all");
}

#[tokio::test]
async fn a_token_without_kid_needs_a_set_with_one_key() {
    let header = json!({ "alg": "RS256" });
    let one = TestProvider::new().await;
    one.verify(&rs256(KEY_ONE, &header, &one.claims())).await.expect("the only key");
    let two = TestProvider::with_keys(json!([jwk(KEY_ONE, "k1"), jwk(KEY_TWO, "k2")])).await;
    assert_eq!(refused(two.verify(&rs256(KEY_ONE, &header, &two.claims())).await).0, "kid");
}

#[tokio::test]
async fn what_is_no_key_set_is_said_to_be_none() {
    for body in ["", "<html>", "{}", "[]", r#"{"keys":7}"#] {
        let stub = Stub::answering(move |_| answer(200, &[], body)).await;
        let token = rs256(KEY_ONE, &json!({ "alg": "RS256" }), &json!({}));
        let error = stub.provider().verify_id_token(&token, None).await.expect_err("no keys");
        assert!(matches!(error, IdTokenError::Keys(JwksError::NotAKeySet)), "{body}: {error:?}");
    }
}

/// One provider for all cases, because building an HTTP client takes longer than refusing a token.
static OFFLINE: LazyLock<Provider> = LazyLock::new(|| provider(&config(&local_url(9))).0);

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(NOW.unix_timestamp())),
        Just(json!("client-1")),
        ".{0,300}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::from))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_token_of_any_shape_panics_or_is_repeated(header in any_json(), claims in ".{0,60}", raw in ".{0,80}") {
        let shaped = format!("{}.{}.canary", encode(header.to_string()), encode(&claims));
        for token in [IdToken::new(raw), IdToken::new(shaped)] {
            assert_refused_silently(&token)?;
        }
    }

    /// The token is signed with the client secret, so that the claims are read. The nonce is always wrong.
    #[test]
    fn no_signed_claims_panic_or_repeat_the_nonce(values in prop::collection::vec(any_json(), 6)) {
        let names = ["aud", "azp", "exp", "iat", "nbf", "sub"];
        let mut claims: Value = names.into_iter().map(str::to_owned).zip(values).collect();
        claims["iss"] = json!(local_url(9));
        claims["nonce"] = json!("canary");
        assert_refused_silently(&hs256(SECRET.as_bytes(), &claims))?;
    }
}

fn assert_refused_silently(token: &IdToken) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let error = runtime.block_on(OFFLINE.verify_id_token(token, None)).expect_err("not a good token");
    let shown = format!("{error} {error:?} {token:?}");
    prop_assert!(!shown.contains("canary"), "{}", shown);
    Ok(())
}
