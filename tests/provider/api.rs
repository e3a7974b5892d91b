use oauth2::AccessToken;
use serde_json::json;
use url::Url;
use videoask_auth::{
    clock::Clock,
    config::ApiConfig,
    telemetry::Metrics,
    videoask::{Api, ApiError, Me, Page},
};

use crate::{
    ports::ReservedPort,
    stub::{NOW, Stub, answer, json as json_answer, local_url},
};

fn api(url: &Url) -> Api {
    let config = ApiConfig { url: url.clone(), organization_id: Some("org-1".to_owned()) };
    Api::new(&config, Clock::manual(NOW).0, Metrics::default()).expect("an HTTP client")
}

fn token() -> AccessToken {
    AccessToken::new("canary-token".to_owned())
}

#[tokio::test]
async fn me_is_asked_with_token_and_organization() {
    let stub = Stub::answering(|_| {
        json_answer(200, &json!({ "user_id": "u-1", "username": "ada", "email": "ada@example.com", "tos": true }))
    })
    .await;
    let me = api(&stub.url).me(&token()).await.expect("a user");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(me, Me { user_id: "u-1".to_owned(), username: text("ada"), email: text("ada@example.com") });
    let seen = &stub.seen()[0];
    assert_eq!(seen.uri.path(), "/me");
    assert_eq!(seen.header("authorization"), Some("Bearer canary-token"));
    assert_eq!(seen.header("organization-id"), Some("org-1"));
}

#[tokio::test]
async fn a_user_without_an_id_makes_no_sense() {
    for body in ["{}", r#"{"user_id":""}"#, "[]", "<html>", ""] {
        let stub = Stub::answering(move |_| answer(200, &[], body)).await;
        let error = api(&stub.url).me(&token()).await.expect_err("nobody");
        assert!(matches!(error, ApiError::MalformedResponse), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn of_the_link_to_the_next_page_only_the_query_is_used() {
    let stub = Stub::answering(|_| {
        json_answer(
            200,
            &json!({ "count": 41, "next": "https://evil.example/forms?limit=20&offset=40",
                     "previous": "https://api.videoask.com/forms?limit=20",
                     "results": [{ "form_id": "f-1", "title": "Hello", "share_url": "https://www.videoask.com/f1" },
                                 { "id": 7, "share_url": "javascript:alert(1)" }, "odd"] }),
        )
    })
    .await;
    let api = api(&stub.url);
    let forms = api.forms(&token(), &Page::new(20, 20)).await.expect("forms");
    assert_eq!(stub.seen()[0].uri, "/forms?limit=20&offset=20");
    assert_eq!(
        (forms.count, forms.next.clone(), forms.previous.and_then(|page| page.number("limit"))),
        (41, Some(Page::new(20, 40)), Some(20))
    );
    let shown: Vec<_> = forms.results.iter().map(|form| (form.id.as_str(), form.title.as_str())).collect();
    assert_eq!(shown, [("f-1", "Hello"), ("7", "")]);
    assert!(forms.results[0].share_url.is_some() && forms.results[1].share_url.is_none());
    api.forms(&token(), &forms.next.expect("a next page")).await.expect("forms");
    assert_eq!(stub.seen()[1].uri, "/forms?limit=20&offset=40");
}

#[tokio::test]
async fn an_error_is_told_by_its_status_and_shows_the_words_without_the_token() {
    let stub = Stub::answering(|seen| {
        let status = if seen.uri.path() == "/me" { 401 } else { 503 };
        let echo = seen.header("authorization").expect("a token").to_owned();
        json_answer(status, &json!({ "detail": format!("Token has expired. {echo}") }))
    })
    .await;
    let api = api(&stub.url);
    let error = api.me(&token()).await.expect_err("401");
    let ApiError::Unauthorized { detail } = &error else { panic!("{error:?}") };
    assert_eq!(detail, "Token has expired. Bearer [redacted]");
    let error = api.forms(&token(), &Page::new(20, 0)).await.expect_err("503");
    assert!(matches!(error, ApiError::Status { status: 503, .. }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_of_the_api_is_not_followed() {
    let stub = Stub::answering(|_| answer(302, &[("location", "/login")], "")).await;
    let error = api(&stub.url).me(&token()).await.expect_err("a redirect");
    assert!(matches!(error, ApiError::Status { status: 302, .. }), "{error:?}");
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn an_api_that_is_not_there_is_unreachable() {
    let nobodys = ReservedPort::new();
    let url = local_url(nobodys.number());
    let error = api(&url).me(&token()).await.expect_err("nobody listens");
    assert!(matches!(error, ApiError::Unreachable(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("canary"));
}
