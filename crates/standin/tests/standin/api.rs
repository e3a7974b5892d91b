use serde_json::{Value, json};
use standin::{Quirk, User};

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
    tenant.api("/me", "garbage").await.is_detail(401, "Error decoding token.");
    let token = access_token(&tenant).await;
    tenant.advance(86_399);
    tenant.api("/me", &token).await.granted();
    tenant.advance(1);
    tenant.api("/me", &token).await.is_detail(401, "Token has expired.");
    assert_eq!(tenant.standin.counters().api_answers, [(200, 1), (401, 3)].into());
}

#[tokio::test]
async fn a_tampered_token_is_refused() {
    let tenant = Tenant::start().await;
    let token = access_token(&tenant).await;
    let (input, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = input.split_once('.').unwrap();
    tenant
        .api("/me", &format!("{header}.{}.{signature}", &claims[..claims.len() - 4]))
        .await
        .is_detail(401, "Error decoding token.");
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
async fn forms_come_in_pages_with_absolute_links() {
    let tenant = Tenant::start().await;
    let token = access_token(&tenant).await;
    let mut path = "/forms".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = tenant.api(&path, &token).await.granted();
        assert_eq!(page["count"], 45);
        seen.extend(page["results"].as_array().unwrap().iter().map(|form| text(form, "form_id").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = next.strip_prefix(&tenant.url).expect("an absolute URL of the API").to_owned();
    }
    assert_eq!(path, "/forms?limit=20&offset=40");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 45);
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
async fn one_access_token_or_all_can_be_refused() {
    let tenant = Tenant::start().await;
    let (one, other) = (access_token(&tenant).await, access_token(&tenant).await);
    tenant.standin.refuse_access_token(&one);
    tenant.api("/me", &one).await.is_detail(401, "Token has expired.");
    tenant.api("/me", &other).await.granted();
    tenant.standin.change_faults(|faults| _ = faults.quirks.insert(Quirk::RefuseAccessTokens));
    tenant.api("/me", &other).await.is_detail(401, "Token has expired.");
}

#[tokio::test]
async fn an_unknown_path_or_method_is_answered_in_the_apis_manner() {
    let tenant = Tenant::start().await;
    let token = access_token(&tenant).await;
    tenant.api("/nothing", &token).await.is_detail(404, "Not found.");
    let answer = tenant.http.delete(format!("{}/forms", tenant.url)).send().await.unwrap();
    Answer::of(answer).await.is_detail(405, "Method \"DELETE\" not allowed.");
}

#[tokio::test]
async fn echo_tells_what_arrived() {
    let tenant = Tenant::start().await;
    let token = access_token(&tenant).await;
    let url = format!("{}/echo/a%20b/%C3%A4//c?x=%2F&y", tenant.url);
    let request =
        tenant.http.patch(url).bearer_auth(&token).header("x-twice", "1").header("x-twice", "2").body("hällo");
    let answer = Answer::of(request.send().await.unwrap()).await.granted();
    assert_eq!(answer["method"], "PATCH");
    assert_eq!((&answer["path"], &answer["query"]), (&json!("/echo/a%20b/%C3%A4//c"), &json!("x=%2F&y")));
    assert_eq!((&answer["body"]["length"], &answer["body"]["text"]), (&json!(6), &json!("hällo")));
    let sent: Vec<_> = answer["headers"].as_array().unwrap().iter().filter(|header| header[0] == "x-twice").collect();
    assert_eq!(sent, [&json!(["x-twice", "1"]), &json!(["x-twice", "2"])]);
    assert!(answer["headers"].as_array().unwrap().contains(&json!(["authorization", format!("Bearer {token}")])));
}

#[tokio::test]
async fn echo_answers_with_the_status_and_headers_it_is_asked_for() {
    let tenant = Tenant::start().await;
    let request = tenant.http.get(format!("{}/echo", tenant.url)).bearer_auth(access_token(&tenant).await);
    let request = request.header("x-echo-status", "302").header("x-echo-header", "location: http://elsewhere.example/");
    let answer = request.header("x-echo-header", "set-cookie: a=b").send().await.unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.headers()["location"], "http://elsewhere.example/");
    assert_eq!(answer.headers()["set-cookie"], "a=b");
}

#[tokio::test]
async fn echo_takes_a_body_of_any_size_and_needs_a_token() {
    let tenant = Tenant::start().await;
    let post = || tenant.http.post(format!("{}/echo/upload", tenant.url)).body(vec![b'x'; 5 * 1024 * 1024]);
    let answer = Answer::of(post().bearer_auth(access_token(&tenant).await).send().await.unwrap()).await.granted();
    assert_eq!((&answer["body"]["length"], &answer["body"]["text"]), (&json!(5_242_880), &Value::Null));
    assert_eq!(text(&answer["body"], "sha256").len(), 64);
    tenant.get("/echo").await.is_detail(401, "Authentication credentials were not provided.");
}

#[tokio::test]
async fn the_api_can_lie_under_a_base_path() {
    let tenant = Tenant::with(|options| options.api_base = "/base".into()).await;
    let token = access_token(&tenant).await;
    let page = tenant.api("/base/forms?limit=40", &token).await.granted();
    assert_eq!(page["next"], format!("{}/base/forms?limit=40&offset=40", tenant.url));
    assert_eq!(tenant.api("/base/echo/x", &token).await.granted()["path"], "/base/echo/x");
    assert_eq!(tenant.api("/forms", &token).await.status, 404);
}
