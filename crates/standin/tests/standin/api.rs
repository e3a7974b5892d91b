use serde_json::{Value, json};
use standin::User;

use crate::tenant::{Answer, Tenant, text};

async fn access_token(tenant: &Tenant) -> String {
    text(&tenant.login().await, "access_token").to_owned()
}

#[tokio::test]
async fn me_names_the_user_by_another_id_than_the_tokens_sub() {
    let tenant = Tenant::start().await;
    let me = tenant.api("/me", &access_token(&tenant).await).await.granted();
    assert_eq!((&me["email"], &me["username"]), (&json!("ada@example.com"), &json!("Ada Lovelace")));
    let user = User::find("ada@example.com").unwrap();
    assert_eq!(me["user_id"], user.user_id());
    assert_ne!(me["user_id"], user.sub());
    assert!(me["created_at"].is_string() && me["terms_accepted"].is_boolean());
}

#[tokio::test]
async fn the_three_refusals_have_videoasks_words() {
    let tenant = Tenant::start().await;
    tenant.get("/me").await.is_detail(401, "Authentication credentials were not provided.");
    let token = access_token(&tenant).await;
    let (input, signature) = token.rsplit_once('.').unwrap();
    let tampered = format!("{}.{signature}", &input[..input.len() - 4]);
    for wrong in ["garbage", &tampered] {
        tenant.api("/me", wrong).await.is_detail(401, "Error decoding token.");
    }
    tenant.advance(86_399);
    tenant.api("/me", &token).await.granted();
    tenant.advance(1);
    tenant.api("/me", &token).await.is_detail(401, "Token has expired.");
    assert_eq!(tenant.standin.counters().api_answers, [(200, 1), (401, 4)].into());
}

#[tokio::test]
async fn an_id_token_and_a_token_without_audience_are_no_good() {
    let tenant = Tenant::start().await;
    let reply = tenant.login_with(&tenant.authorize_form().without("audience")).await;
    assert!(!text(&reply, "access_token").contains('.'), "it is opaque");
    for name in ["access_token", "id_token"] {
        tenant.api("/me", text(&reply, name)).await.is_detail(401, "Error decoding token.");
    }
}

#[tokio::test]
async fn limit_and_offset_are_kept_to() {
    let tenant = Tenant::start().await;
    let token = access_token(&tenant).await;
    let page = tenant.api("/forms?limit=10&offset=10", &token).await.granted();
    assert_eq!(page["results"].as_array().unwrap().len(), 10);
    assert_eq!(page["next"], format!("{}/forms?limit=10&offset=20", tenant.url));
    assert_eq!(page["previous"], format!("{}/forms?limit=10&offset=0", tenant.url));
    let beyond = tenant.api("/forms?offset=18446744073709551615&limit=x", &token).await.granted();
    assert_eq!((&beyond["results"], &beyond["next"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn the_organization_header_picks_another_organizations_forms() {
    let tenant = Tenant::start().await;
    let token = access_token(&tenant).await;
    let organizations = tenant.api("/organizations", &token).await.granted();
    let second = text(&organizations["results"][1], "organization_id");
    let with = async |organization: &str| {
        let request = tenant.http.get(format!("{}/forms", tenant.url)).bearer_auth(&token);
        Answer::of(request.header("organization-id", organization).send().await.unwrap()).await
    };
    assert_eq!(with(second).await.granted()["count"], 7);
    assert_eq!(with(text(&organizations["results"][0], "organization_id")).await.granted()["count"], 45);
    assert_eq!(with("unknown").await.status, 403);
}

#[tokio::test]
async fn an_unknown_path_or_method_is_answered_in_the_apis_manner() {
    let tenant = Tenant::start().await;
    let token = access_token(&tenant).await;
    tenant.api("/nothing", &token).await.is_detail(404, "Not found.");
    let answer = tenant.http.delete(format!("{}/forms", tenant.url)).send().await.unwrap();
    Answer::of(answer).await.is_detail(405, "Method \"DELETE\" not allowed.");
}
