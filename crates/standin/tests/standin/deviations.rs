use reqwest::StatusCode;
use serde_json::{Value, json};
use standin::Deviation;

use crate::tenant::{Tenant, decode, location, text};

async fn deviating(deviation: Deviation) -> Tenant {
    let tenant = Tenant::start().await;
    tenant.standin.set_deviations([deviation]);
    tenant
}

async fn reply(deviation: Deviation) -> Value {
    deviating(deviation).await.login().await
}

#[tokio::test]
async fn each_deviation_of_the_response_changes_one_field() {
    let left_out = [
        (Deviation::NoTokenType, "token_type"),
        (Deviation::NoIdToken, "id_token"),
        (Deviation::NoRefreshToken, "refresh_token"),
        (Deviation::NoExpiresIn, "expires_in"),
        (Deviation::NoAccessToken, "access_token"),
    ];
    for (deviation, name) in left_out {
        let reply = reply(deviation).await;
        for field in ["id_token", "refresh_token", "expires_in", "access_token", "token_type"] {
            assert_eq!(reply.get(field).is_some(), field != name, "{field} with {deviation:?}");
        }
    }
    assert_eq!(reply(Deviation::ExpiresInText).await["expires_in"], "86400");
    assert!(!text(&reply(Deviation::GarbledIdToken).await, "id_token").contains('.'));
    let (_, claims) = decode(text(&reply(Deviation::EmailUnverified).await, "id_token"));
    assert_eq!(claims["email_verified"], false);
}

#[tokio::test]
async fn an_opaque_access_token_is_no_jwt_and_good_until_it_expires() {
    let tenant = deviating(Deviation::OpaqueAccessToken).await;
    let reply = tenant.login().await;
    let token = text(&reply, "access_token");
    assert!(!token.contains('.'));
    tenant.api("/me", token).await.granted();
    tenant.advance(86_400);
    tenant.api("/me", token).await.is_detail(401, "Token has expired.");
}

#[tokio::test]
async fn hs256_is_signed_with_the_client_secret() {
    let reply = reply(Deviation::Hs256).await;
    let (input, signature) = text(&reply, "id_token").rsplit_once('.').unwrap();
    assert_eq!(decode(text(&reply, "id_token")).0["alg"], "HS256");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"demo-client-secret");
    let signature = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).unwrap();
    assert!(ring::hmac::verify(&key, input.as_bytes(), &signature).is_ok());
}

#[tokio::test]
async fn a_new_signing_key_is_listed_and_an_unlisted_one_is_not() {
    for (deviation, listed) in [(Deviation::NewSigningKey, true), (Deviation::UnlistedSigningKey, false)] {
        let tenant = Tenant::start().await;
        let before = decode(text(&tenant.login().await, "id_token")).0["kid"].clone();
        tenant.standin.set_deviations([deviation]);
        let after = decode(text(&tenant.login().await, "id_token")).0["kid"].clone();
        assert_ne!(before, after);
        let jwks = tenant.get("/.well-known/jwks.json").await.granted();
        let kids: Vec<_> = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
        assert!(kids.contains(&before));
        assert_eq!(kids.contains(&after), listed);
    }
}

#[tokio::test]
async fn a_strict_client_needs_pkce_and_gets_no_id_token() {
    let tenant = deviating(Deviation::StrictClient).await;
    let reply = tenant.login().await;
    assert_eq!(reply["id_token"], Value::Null);
    assert!(reply["refresh_token"].is_string());
    let without = tenant.authorize_form().without("code_challenge").without("code_challenge_method");
    assert_eq!(location(&tenant.authorize(&without).await)["error"], "invalid_request");
}

#[tokio::test]
async fn pkce_can_be_refused() {
    let tenant = deviating(Deviation::RefusePkce).await;
    assert_eq!(location(&tenant.authorize(&tenant.authorize_form()).await)["error"], "invalid_request");
    let without = tenant.authorize_form().without("code_challenge").without("code_challenge_method");
    assert_eq!(tenant.authorize(&without).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_secret_can_be_access_denied() {
    let tenant = deviating(Deviation::WrongSecretIsAccessDenied).await;
    tenant.token(&tenant.code_form("made-up").set("client_secret", "wrong")).await.is(401, "access_denied");
}

#[tokio::test]
async fn the_callback_can_carry_an_issuer_or_another_state() {
    let callback = async |deviation| {
        let tenant = deviating(deviation).await;
        let query = location(&tenant.press(&tenant.authorize_form(), "approve", "ada@example.com").await);
        (tenant, query)
    };
    let (tenant, query) = callback(Deviation::CallbackIssuer).await;
    assert_eq!(query["iss"], format!("{}/", tenant.url));
    assert_eq!(callback(Deviation::WrongCallbackIssuer).await.1["iss"], "https://another.example/");
    assert_eq!(callback(Deviation::WrongState).await.1["state"], "another-state");
}

#[tokio::test]
async fn the_providers_clock_can_be_off() {
    let tenant = Tenant::start().await;
    tenant.standin.change_faults(|faults| faults.clock_offset = 300);
    let claims = decode(text(&tenant.login().await, "id_token")).1;
    assert_eq!(claims["iat"], json!(1_800_000_300));
    let answer = tenant.http.get(format!("{}/.well-known/jwks.json", tenant.url)).send().await.unwrap();
    assert_eq!(answer.headers()["date"], "Fri, 15 Jan 2027 08:05:00 GMT");
}
