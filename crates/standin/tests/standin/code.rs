use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};

use crate::tenant::{Answer, Tenant, decode, text};

/// Verifies an RS256 token by the JWKS, as a stranger would.
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
async fn an_unverified_email_is_called_so() {
    let tenant = Tenant::start().await;
    let code = tenant.code_for(&tenant.authorize_form(), "eve@example.com").await;
    let reply = tenant.token(&tenant.code_form(&code)).await.granted();
    assert_eq!(decode(text(&reply, "id_token")).1["email_verified"], false);
}

#[tokio::test]
async fn a_spent_code_is_refused_and_ends_what_came_of_it() {
    let tenant = Tenant::start().await;
    let code = tenant.code().await;
    let reply = tenant.token(&tenant.code_form(&code)).await.granted();
    tenant.token(&tenant.code_form(&code)).await.is(403, "invalid_grant");
    tenant.refresh(text(&reply, "refresh_token")).await.is_dead();
    let counters = tenant.standin.counters();
    assert_eq!((counters.code_exchanges, counters.code_refusals, counters.codes_reused), (1, 1, 1));
}

#[tokio::test]
async fn twenty_requests_with_one_code_are_one_exchange() {
    let tenant = Tenant::start().await;
    let form = tenant.code_form(&tenant.code().await);
    let answers = futures_util::future::join_all((0..20).map(|_| tenant.token(&form))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(tenant.standin.counters().exchanges(), 1);
}

#[tokio::test]
async fn a_code_dies_after_a_minute() {
    let tenant = Tenant::start().await;
    let (first, second) = (tenant.code().await, tenant.code().await);
    tenant.advance(59);
    tenant.token(&tenant.code_form(&first)).await.granted();
    tenant.advance(1);
    tenant.token(&tenant.code_form(&second)).await.is(403, "invalid_grant");
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
async fn a_made_up_code_tells_a_wrong_secret_from_a_right_one() {
    let tenant = Tenant::start().await;
    tenant.token(&tenant.code_form("made-up")).await.is(403, "invalid_grant");
    tenant.token(&tenant.code_form("made-up").set("client_secret", "wrong")).await.is(401, "invalid_client");
    tenant.token(&tenant.code_form("made-up").without("client_secret")).await.is(401, "invalid_client");
    tenant.token(&tenant.code_form("made-up").set("client_id", "another")).await.is(401, "invalid_client");
    assert_eq!(tenant.standin.counters().client_refusals, 3);
}

#[tokio::test]
async fn a_wrong_secret_does_not_spend_the_code() {
    let tenant = Tenant::start().await;
    let form = tenant.code_form(&tenant.code().await);
    tenant.token(&form.clone().set("client_secret", "wrong")).await.is(401, "invalid_client");
    tenant.token(&form).await.granted();
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

#[tokio::test]
async fn the_configuration_names_the_issuer_and_the_endpoints() {
    let tenant = Tenant::with(|options| options.issuer = Some("https://auth.videoask.com/".into())).await;
    let configuration = tenant.get("/.well-known/openid-configuration").await.granted();
    assert_eq!(configuration["issuer"], "https://auth.videoask.com/");
    assert_eq!(configuration["token_endpoint"], format!("{}/oauth/token", tenant.url));
    assert_eq!(decode(text(&tenant.login().await, "id_token")).1["iss"], "https://auth.videoask.com/");
}
