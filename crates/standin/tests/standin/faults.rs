use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use standin::{Counters, Endpoint, Faults, Mishap, Quirk};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::tenant::{Answer, Tenant, location, text};

/// A tenant without leeway, a refresh token, and the mishap that befalls the next request to `/oauth/token`.
async fn befallen(mishap: Mishap) -> (Tenant, String) {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    let token = text(&tenant.login().await, "refresh_token").to_owned();
    tenant.standin.reset_counters();
    tenant.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, mishap));
    (tenant, token)
}

async fn answer_to(mishap: Mishap) -> (Tenant, Response) {
    let (tenant, token) = befallen(mishap).await;
    let answer = tenant.try_token(&tenant.refresh_form(&token)).await.unwrap();
    assert_eq!(tenant.standin.counters().refresh_exchanges, 0, "nothing was acted upon");
    tenant.refresh(&token).await.granted();
    (tenant, answer)
}

#[tokio::test]
async fn a_status_comes_with_no_body_and_nothing_is_done() {
    let (_, answer) = answer_to(Mishap::Status { status: 500 }).await;
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (500, ""));
}

#[tokio::test]
async fn a_gateways_page_is_html() {
    let (_, answer) = answer_to(Mishap::Html { status: 502 }).await;
    assert_eq!(answer.status(), 502);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn too_many_requests_names_the_time_by_either_header() {
    let (tenant, answer) = answer_to(Mishap::TooManyRequests { reset_in: Some(7), retry_after: None }).await;
    let reset = (tenant.clock.now().unix_timestamp() + 7).to_string();
    assert_eq!(answer.headers()["x-ratelimit-reset"], reset.as_str());
    assert!(!answer.headers().contains_key("retry-after"));
    Answer::of(answer).await.is(429, "too_many_requests");
    let (_, answer) = answer_to(Mishap::TooManyRequests { reset_in: None, retry_after: Some(9) }).await;
    assert_eq!(answer.headers()["retry-after"], "9");
}

#[tokio::test]
async fn any_oauth_error_can_be_had() {
    let error = || Mishap::Error { status: 400, error: "unauthorized_client".into(), description: "No.".into() };
    let (tenant, answer) = answer_to(error()).await;
    Answer::of(answer).await.is(400, "unauthorized_client");
    tenant.standin.change_faults(|faults| faults.always(Endpoint::Authorize, error()));
    let query = location(&tenant.authorize(&tenant.authorize_form()).await);
    assert_eq!((query["error"].as_str(), query["state"].as_str()), ("unauthorized_client", "the state"));
}

#[tokio::test]
async fn a_redirect_points_at_the_echo() {
    let (tenant, answer) = answer_to(Mishap::Redirect).await;
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], format!("{}/echo/redirected", tenant.url));
}

#[tokio::test]
async fn a_cut_connection_gives_no_answer_and_does_nothing() {
    let (tenant, token) = befallen(Mishap::Cut).await;
    let error = tenant.try_token(&tenant.refresh_form(&token)).await.unwrap_err();
    assert!(error.is_request() && !error.is_timeout(), "{error}");
    assert_eq!(tenant.standin.counters().refresh_exchanges, 0);
    tenant.refresh(&token).await.granted();
}

#[tokio::test]
async fn not_one_byte_comes_over_a_connection_that_is_cut() {
    for mishap in [Mishap::Cut, Mishap::ReplyLost] {
        let tenant = Tenant::start().await;
        tenant.standin.change_faults(|faults| faults.next(Endpoint::Jwks, 1, mishap));
        let mut stream = TcpStream::connect(tenant.url.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let mut received = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut received)).await.expect("it is closed");
        assert!(received.is_empty(), "{}", String::from_utf8_lossy(&received));
    }
}

#[tokio::test]
async fn a_lost_reply_leaves_the_token_spent() {
    let (tenant, token) = befallen(Mishap::ReplyLost).await;
    tenant.try_token(&tenant.refresh_form(&token)).await.unwrap_err();
    assert_eq!(tenant.standin.counters().refresh_exchanges, 1);
    tenant.refresh(&token).await.is_dead();
    assert_eq!(tenant.standin.counters().reuse_detections, 1);
}

#[tokio::test]
async fn a_lost_reply_to_a_code_leaves_the_code_spent() {
    let (tenant, _) = befallen(Mishap::ReplyLost).await;
    let form = tenant.code_form(&tenant.code().await);
    tenant.try_token(&form).await.unwrap_err();
    assert_eq!(tenant.standin.counters().code_exchanges, 1);
    tenant.token(&form).await.is(403, "invalid_grant");
}

#[tokio::test]
async fn half_an_answer_breaks_off_in_the_body() {
    let (tenant, token) = befallen(Mishap::CutHalfway).await;
    let answer = tenant.try_token(&tenant.refresh_form(&token)).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap_err();
    assert_eq!(tenant.standin.counters().refresh_exchanges, 1);
}

#[tokio::test]
async fn a_huge_body_is_the_right_answer_and_over_a_mebibyte() {
    let (tenant, token) = befallen(Mishap::HugeBody).await;
    let answer = tenant.try_token(&tenant.refresh_form(&token)).await.unwrap();
    let body = answer.text().await.unwrap();
    assert!(body.len() > 1024 * 1024);
    let reply: Value = serde_json::from_str(&body).unwrap();
    tenant.refresh(text(&reply, "refresh_token")).await.granted();
}

/// Waits for what has to come soon.
async fn until(tenant: &Tenant, seen: impl Fn(&Counters) -> bool) {
    let polling = async {
        while !seen(&tenant.standin.counters()) {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(60), polling).await.expect("it never came");
}

/// Sends, and hangs up once that has been seen, without an answer.
async fn hang_up_once(tenant: &Tenant, token: &str, seen: impl Fn(&Counters) -> bool) {
    let form = tenant.refresh_form(token);
    tokio::select! {
        answer = tenant.try_token(&form) => panic!("there is an answer: {:?}", answer.map(|answer| answer.status())),
        () = until(tenant, seen) => {}
    }
}

#[tokio::test]
async fn what_hangs_gives_no_answer_before_or_after_it_has_acted() {
    let (tenant, token) = befallen(Mishap::Hang).await;
    hang_up_once(&tenant, &token, |counters| counters.mishaps == 1).await;
    tenant.refresh(&token).await.granted();

    let (tenant, token) = befallen(Mishap::HangAfter).await;
    hang_up_once(&tenant, &token, |counters| counters.refresh_exchanges == 1).await;
    tenant.refresh(&token).await.is_dead();
}

#[tokio::test]
async fn a_slow_request_is_acted_upon_even_if_the_caller_has_hung_up() {
    let (tenant, token) = befallen(Mishap::Slow { ms: 500 }).await;
    hang_up_once(&tenant, &token, |counters| counters.mishaps == 1).await;
    until(&tenant, |counters| counters.refresh_exchanges == 1).await;
}

#[tokio::test]
async fn a_connection_counts_as_open_until_its_request_is_acted_on_even_if_the_caller_has_hung_up() {
    let (tenant, token) = befallen(Mishap::Slow { ms: 500 }).await;
    hang_up_once(&tenant, &token, |counters| counters.mishaps == 1).await;
    assert!(tenant.standin.open_connections() > 0);
    let standin = tenant.standin.clone();
    until(&tenant, |_| standin.open_connections() == 0).await;
    assert_eq!(tenant.standin.counters().refresh_exchanges, 1);
}

#[tokio::test]
async fn a_held_reply_is_acted_upon_first_and_arrives_once_released() {
    let (tenant, token) = befallen(Mishap::HeldReply).await;
    let form = tenant.refresh_form(&token);
    let mut answer = Box::pin(tenant.token(&form));
    tokio::select! {
        _ = &mut answer => panic!("the reply was not held"),
        () = until(&tenant, |counters| counters.refresh_exchanges == 1) => {}
    }
    tenant.standin.release_replies();
    answer.await.granted();
}

#[tokio::test]
async fn the_api_can_refuse_once() {
    let tenant = Tenant::start().await;
    let reply = tenant.login().await;
    let token = text(&reply, "access_token");
    tenant.standin.change_faults(|faults| faults.next(Endpoint::Api, 1, Mishap::Unauthorized));
    tenant.api("/forms", token).await.is_detail(401, "Token has expired.");
    tenant.api("/forms", token).await.granted();
}

#[tokio::test]
async fn mishaps_happen_in_their_order_as_often_as_planned_and_only_where_planned() {
    let tenant = Tenant::start().await;
    tenant.standin.change_faults(|faults| {
        faults.next(Endpoint::Me, 2, Mishap::Status { status: 500 });
        faults.next(Endpoint::Me, 1, Mishap::Status { status: 503 });
        faults.always(Endpoint::Api, Mishap::Status { status: 504 });
    });
    let reply = tenant.login().await;
    for status in [500, 500, 503, 504, 504] {
        assert_eq!(tenant.api("/me", text(&reply, "access_token")).await.status, status);
    }
    let counters = tenant.standin.counters();
    assert_eq!((counters.requests_to(Endpoint::Me), counters.requests_to(Endpoint::Api), counters.mishaps), (5, 5, 5));
    assert_eq!(counters.requests_to(Endpoint::Token), 1);
}

#[tokio::test]
async fn what_hangs_does_not_keep_the_server_from_stopping() {
    let (mut tenant, token) = befallen(Mishap::Hang).await;
    let (url, http, form) = (tenant.url.clone(), tenant.http.clone(), tenant.refresh_form(&token));
    let hanging = tokio::spawn(async move { http.post(format!("{url}/oauth/token")).json(&form.json()).send().await });
    until(&tenant, |counters| counters.mishaps == 1).await;
    tenant.stop().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn faults_are_set_changed_and_read_over_http() {
    let tenant = Tenant::start().await;
    let url = format!("{}/_control/faults", tenant.url);
    let faults = json!({
        "mishaps": {"token": [{"kind": "slow", "ms": 5, "times": 2}], "me": [{"kind": "hang"}]},
        "quirks": ["no_id_token"],
    });
    let set: Faults = tenant.http.put(&url).json(&faults).send().await.unwrap().json().await.unwrap();
    assert_eq!(set, tenant.standin.faults());
    assert!(set.quirks.contains(&Quirk::NoIdToken));

    let change = json!({"mishaps": {"me": []}, "clock_offset": 60, "id_claims": {"email": null, "name": 1}});
    let changed: Faults = tenant.http.patch(&url).json(&change).send().await.unwrap().json().await.unwrap();
    let left = json!({
        "mishaps": {"token": [{"kind": "slow", "ms": 5, "times": 2}]},
        "quirks": ["no_id_token"],
        "clock_offset": 60,
        "id_claims": {"email": null, "name": 1},
    });
    assert_eq!(json!(changed), left);

    let unknown = tenant.http.put(&url).json(&json!({"quirk": []})).send().await.unwrap();
    assert_eq!(unknown.status(), 422);
}

#[tokio::test]
async fn counters_and_the_rest_of_the_controls_work_over_http() {
    let tenant = Tenant::start().await;
    let reply = tenant.login().await;
    let post = async |path: &str, body: &str| {
        let answer = tenant.http.post(format!("{}/_control/{path}", tenant.url)).body(body.to_owned()).send().await;
        assert_eq!(answer.unwrap().status(), 204);
    };
    let counters: Counters = serde_json::from_value(tenant.get("/_control/counters").await.granted()).unwrap();
    assert_eq!(counters, tenant.standin.counters());
    assert_eq!((counters.exchanges(), counters.approvals), (1, 1));

    post("refused-access-tokens", text(&reply, "access_token")).await;
    assert_eq!(tenant.api("/me", text(&reply, "access_token")).await.status, 401);
    post("ended-grants", "ada@example.com").await;
    tenant.refresh(text(&reply, "refresh_token")).await.is_dead();
    tenant.http.delete(format!("{}/_control/counters", tenant.url)).send().await.unwrap();
    assert_eq!(tenant.standin.counters(), Counters::default());
    tenant.standin.change_faults(|faults| faults.always(Endpoint::Token, Mishap::Hang));
    post("reset", "").await;
    assert_eq!(tenant.standin.faults(), Faults::default());
}
