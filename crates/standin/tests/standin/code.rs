use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

use crate::tenant::{Answer, Tenant, decode, text};

/// Whether a key of the JWKS has signed this RS256 token, checked without the stand-in's code.
async fn is_genuine(tenant: &Tenant, token: &str) -> bool {
    let jwks = tenant.get("/.well-known/jwks.json").await.granted();
    let (header, _) = decode(token);
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]);
    let Some(key) = key else { return false };
    let part = |name| URL_SAFE_NO_PAD.decode(text(key, name)).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    RsaPublicKeyComponents { n: part("n"), e: part("e") }
        .verify(&RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
        .is_ok()
}

#[tokio::test]
async fn a_login_gives_a_pair_and_an_id_token_that_the_jwks_verifies() {
    let tenant = Tenant::start().await;
    let reply = tenant.login().await;
    assert_eq!(reply["token_type"], "Bearer");
    assert_eq!(reply["expires_in"], 86_400);
    assert_eq!(reply["scope"], "openid profile email offline_access");
    assert!(text(&reply, "refresh_token").starts_with("v1."));

    let now = tenant.clock.now().unix_timestamp();
    let id_token = text(&reply, "id_token");
    assert!(is_genuine(&tenant, id_token).await);
    let (header, claims) = decode(id_token);
    assert_eq!(header["alg"], "RS256");
    let expected = json!({
        "iss": format!("{}/", tenant.url), "aud": "demo-client-id", "sub": "auth0|ada", "nonce": "the nonce",
        "iat": now, "exp": now + 36_000, "name": "Ada Lovelace", "nickname": "ada",
        "email": "ada@example.com", "email_verified": true,
    });
    assert_eq!(claims, expected);
}

#[tokio::test]
async fn an_access_token_is_a_jwt_for_the_api_whose_audience_is_an_array_with_openid() {
    let tenant = Tenant::start().await;
    let token_with = async |scope: &str| {
        let reply = tenant.login_with(&tenant.authorize_form().set("scope", scope)).await;
        let token = text(&reply, "access_token").to_owned();
        assert!(is_genuine(&tenant, &token).await);
        decode(&token).1
    };
    let claims = token_with("openid").await;
    let now = tenant.clock.now().unix_timestamp();
    assert_eq!(claims["aud"][0], "https://api.videoask.com/");
    assert_eq!((&claims["sub"], &claims["azp"]), (&json!("auth0|ada"), &json!("demo-client-id")));
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(now), &json!(now + 86_400)));
    assert_eq!(token_with("profile").await["aud"], "https://api.videoask.com/");
}

#[tokio::test]
async fn each_scope_gives_its_part_and_no_other() {
    let tenant = Tenant::start().await;
    let with = async |scope: &str| tenant.login_with(&tenant.authorize_form().set("scope", scope)).await;
    let reply = with("profile").await;
    assert_eq!((&reply["id_token"], &reply["refresh_token"]), (&Value::Null, &Value::Null));
    let claims = decode(text(&with("openid").await, "id_token")).1;
    assert_eq!((&claims["email"], &claims["name"]), (&Value::Null, &Value::Null));
    assert!(with("offline_access").await["refresh_token"].is_string());
}

#[tokio::test]
async fn a_spent_code_is_refused_and_ends_what_came_of_it() {
    let tenant = Tenant::start().await;
    let code = tenant.code().await;
    let reply = tenant.token(&tenant.code_form(&code)).await.granted();
    tenant.token(&tenant.code_form(&code)).await.is(403, "invalid_grant");
    tenant.refresh(text(&reply, "refresh_token")).await.is_dead();
}

#[tokio::test]
async fn a_wrong_verifier_is_refused_and_spends_the_code() {
    let tenant = Tenant::start().await;
    let code = tenant.code().await;
    let wrong = tenant.code_form(&code).set("code_verifier", "another-verifier-that-is-also-long-enough-to-be-one");
    tenant.token(&wrong).await.is(403, "invalid_grant");
    tenant.token(&tenant.code_form(&code)).await.is(403, "invalid_grant");
}

#[tokio::test]
async fn a_verifier_is_needed_if_and_only_if_there_was_a_challenge() {
    let tenant = Tenant::start().await;
    let without = tenant.code_form(&tenant.code().await).without("code_verifier");
    tenant.token(&without).await.is(403, "invalid_grant");
    let plain = tenant.authorize_form().without("code_challenge").without("code_challenge_method");
    let form = tenant.code_form(&tenant.code_for(&plain, "ada@example.com").await);
    tenant.token(&form).await.is(403, "invalid_grant");
    let form = tenant.code_form(&tenant.code_for(&plain, "ada@example.com").await).without("code_verifier");
    tenant.token(&form).await.granted();
}

#[tokio::test]
async fn another_redirect_uri_than_the_codes_is_refused() {
    let tenant = Tenant::start().await;
    let form = tenant.code_form(&tenant.code().await).set("redirect_uri", "http://localhost:3000/other");
    tenant.token(&form).await.is(403, "invalid_grant");
}

#[tokio::test]
async fn what_is_missing_is_an_invalid_request() {
    let tenant = Tenant::start().await;
    let form = tenant.code_form("made-up");
    for name in ["grant_type", "client_id", "code", "redirect_uri"] {
        tenant.token(&form.clone().without(name)).await.is(400, "invalid_request");
        tenant.token(&form.clone().set(name, "")).await.is(400, "invalid_request");
    }
    tenant.token(&tenant.refresh_form("")).await.is(400, "invalid_request");
    tenant.token(&form.set("grant_type", "password")).await.is(403, "unsupported_grant_type");
}

#[tokio::test]
async fn a_json_body_is_taken_too_and_anything_else_is_not() {
    let tenant = Tenant::start().await;
    let form = tenant.code_form(&tenant.code().await);
    let post = || tenant.http.post(format!("{}/oauth/token", tenant.url));
    let plain = post().body("grant_type=refresh_token").send().await.unwrap();
    Answer::of(plain).await.is(400, "invalid_request");
    Answer::of(post().json(&form.json()).send().await.unwrap()).await.granted();
}
