use reqwest::StatusCode;

use crate::tenant::{CALLBACK, Form, Tenant, location};

async fn error_of(tenant: &Tenant, form: &Form) -> String {
    let mut query = location(&tenant.authorize(form).await);
    assert_eq!(query["state"], "the state");
    query.remove("error").expect("an error code")
}

async fn is_a_page(tenant: &Tenant, form: &Form, status: u16) {
    for answer in [tenant.authorize(form).await, tenant.press(form, "approve", "ada@example.com").await] {
        assert_eq!(answer.status().as_u16(), status);
        assert!(answer.headers().get("location").is_none());
        assert!(answer.text().await.unwrap().contains("pretend VideoAsk"));
    }
}

#[tokio::test]
async fn the_page_says_that_it_is_pretend_and_offers_three_accounts_and_two_buttons() {
    let tenant = Tenant::start().await;
    let answer = tenant.authorize(&tenant.authorize_form()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action 'self' http://localhost:3000;"), "{policy}");
    let page = answer.text().await.unwrap();
    for shown in ["pretend VideoAsk", "ada@example.com", "grace@example.com", "eve@example.com", ">Approve<", ">Deny<"]
    {
        assert!(page.contains(shown), "{shown} is missing");
    }
    assert!(!page.contains("<script") && !page.contains("style=\""));
}

#[tokio::test]
async fn an_unregistered_callback_or_unknown_client_gets_a_page_and_no_redirect() {
    let tenant = Tenant::start().await;
    for callback in ["http://localhost:3000/other", "http://evil.example/", &format!("{CALLBACK}/"), "no url"] {
        is_a_page(&tenant, &tenant.authorize_form().set("redirect_uri", callback), 403).await;
    }
    is_a_page(&tenant, &tenant.authorize_form().set("client_id", "another"), 403).await;
    for name in ["redirect_uri", "client_id"] {
        is_a_page(&tenant, &tenant.authorize_form().without(name), 400).await;
    }
}

#[tokio::test]
async fn what_an_error_page_repeats_is_escaped() {
    let tenant = Tenant::start().await;
    let answer = tenant.authorize(&tenant.authorize_form().set("client_id", "<script>alert(1)</script>")).await;
    let page = answer.text().await.unwrap();
    assert!(page.contains("alert(1)") && !page.contains("<script"), "{page}");
}

#[tokio::test]
async fn without_a_prompt_a_right_client_hears_login_required_and_a_wrong_one_gets_the_page() {
    let tenant = Tenant::start().await;
    let silent = tenant.authorize_form().set("prompt", "none");
    assert_eq!(error_of(&tenant, &silent).await, "login_required");
    let wrong = tenant.authorize(&silent.clone().set("client_id", "another")).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let unregistered = tenant.authorize(&silent.set("redirect_uri", "http://localhost:3000/")).await;
    assert_eq!(unregistered.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_comes_back_to_the_callback() {
    let tenant = Tenant::start().await;
    let form = tenant.authorize_form();
    let wrong = [
        (form.clone().without("response_type"), "invalid_request"),
        (form.clone().set("response_type", "token"), "unsupported_response_type"),
        (form.clone().set("audience", "https://api.videoask.com"), "access_denied"),
        (form.clone().set("code_challenge_method", "plain"), "invalid_request"),
        (form.clone().without("code_challenge_method"), "invalid_request"),
        (form.clone().without("code_challenge"), "invalid_request"),
        (form.clone().set("code_challenge", "short"), "invalid_request"),
    ];
    for (form, error) in wrong {
        assert_eq!(error_of(&tenant, &form).await, error);
    }
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused() {
    let tenant = Tenant::start().await;
    let url = format!("{}&state=another", tenant.authorize_form().url(&tenant.url));
    assert_eq!(tenant.http.get(url).send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

async fn preselected(tenant: &Tenant, form: &Form, cookie: Option<&str>) -> String {
    let mut request = tenant.http.get(form.url(&tenant.url));
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let page = request.send().await.unwrap().text().await.unwrap();
    let before = page.split(" checked").next().unwrap();
    let value = before.rsplit("value=\"").next().unwrap();
    value.trim_end_matches('"').to_owned()
}

#[tokio::test]
async fn a_login_hint_preselects_and_a_remembered_login_does_too_unless_prompt_is_login() {
    let tenant = Tenant::start().await;
    let form = tenant.authorize_form();
    assert_eq!(preselected(&tenant, &form, None).await, "ada@example.com");
    assert_eq!(preselected(&tenant, &form.clone().set("login_hint", "Eve@Example.com"), None).await, "eve@example.com");

    let answer = tenant.press(&form, "approve", "grace@example.com").await;
    let set_cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(set_cookie.contains("HttpOnly"));
    let cookie = set_cookie.split(';').next();
    assert_eq!(preselected(&tenant, &form, cookie).await, "grace@example.com");
    assert_eq!(preselected(&tenant, &form.clone().set("prompt", "login"), cookie).await, "ada@example.com");
}

#[tokio::test]
async fn a_form_without_an_account_or_a_button_is_refused() {
    let tenant = Tenant::start().await;
    for (decision, user) in [("approve", "nobody@elsewhere.example"), ("approve", ""), ("", "ada@example.com")] {
        let answer = tenant.press(&tenant.authorize_form(), decision, user).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
}
