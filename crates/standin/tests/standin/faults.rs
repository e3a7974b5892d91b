use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};
use standin::{Counters, Endpoint, Fault};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::tenant::{Answer, Tenant, text};

/// A tenant without leeway, a refresh token, and the fault planned for the next request to `/oauth/token`.
async fn with_fault(fault: Fault) -> (Tenant, String) {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    let token = text(&tenant.login().await, "refresh_token").to_owned();
    tenant.standin.reset_counters();
    tenant.standin.change_faults(|faults| faults.next(Endpoint::Token, 1, fault));
    (tenant, token)
}

/// The response to a refresh with this fault, which must not be processed.
async fn answer_to(fault: Fault) -> Response {
    let (tenant, token) = with_fault(fault).await;
    let answer = tenant.try_token(&tenant.refresh_form(&token)).await.unwrap();
    assert_eq!(tenant.standin.counters().refresh_exchanges, 0, "nothing was acted upon");
    tenant.refresh(&token).await.granted();
    answer
}

#[tokio::test]
async fn what_is_answered_without_acting_is_what_was_planned() {
    let html = ("content-type", "text/html; charset=utf-8");
    let error = Fault::Error { status: 400, error: "unauthorized_client".into(), description: "No.".into() };
    let (reset, after) = ((Some(7), None), (None, Some(9)));
    let too_many = |(reset_in, retry_after)| Fault::TooManyRequests { reset_in, retry_after };
    for (fault, status, (name, value), code) in [
        (Fault::Status { status: 500 }, 500, ("content-length", "0"), Value::Null),
        (Fault::Html { status: 502 }, 502, html, Value::Null),
        (Fault::Redirect, 307, ("content-length", "0"), Value::Null),
        (too_many(reset), 429, ("x-ratelimit-reset", "1800000007"), json!("too_many_requests")),
        (too_many(after), 429, ("retry-after", "9"), json!("too_many_requests")),
        (error, 400, ("content-type", "application/json"), json!("unauthorized_client")),
    ] {
        let answer = answer_to(fault.clone()).await;
        assert_eq!(answer.headers()[name], value, "{fault:?}");
        let answer = Answer::of(answer).await;
        assert_eq!((answer.status.as_u16(), &answer.json["error"]), (status, &code), "{fault:?}");
    }
}

#[tokio::test]
async fn not_one_byte_comes_over_a_connection_that_is_cut() {
    for fault in [Fault::Cut, Fault::ReplyLost] {
        let tenant = Tenant::start().await;
        tenant.standin.change_faults(|faults| faults.next(Endpoint::Jwks, 1, fault));
        let mut stream = TcpStream::connect(tenant.url.strip_prefix("http://").unwrap()).await.unwrap();
        stream.write_all(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let mut received = Vec::new();
        let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut received)).await.expect("it is closed");
        assert!(received.is_empty(), "{}", String::from_utf8_lossy(&received));
    }
}

/// Waits until the counters satisfy a condition, which must happen soon.
async fn until(tenant: &Tenant, seen: impl Fn(&Counters) -> bool) {
    let polling = async {
        while !seen(&tenant.standin.counters()) {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(60), polling).await.expect("it never came");
}

/// Sends a refresh, and disconnects once the counters satisfy a condition, before there is a response.
async fn hang_up_once(tenant: &Tenant, token: &str, seen: impl Fn(&Counters) -> bool) {
    let form = tenant.refresh_form(token);
    tokio::select! {
        answer = tenant.try_token(&form) => panic!("there is an answer: {:?}", answer.map(|answer| answer.status())),
        () = until(tenant, seen) => {}
    }
}

#[tokio::test]
async fn a_connection_counts_as_open_until_its_request_is_acted_on_even_if_the_caller_has_hung_up() {
    let (tenant, token) = with_fault(Fault::Slow { ms: 500 }).await;
    hang_up_once(&tenant, &token, |counters| counters.planned == 1).await;
    assert!(tenant.standin.open_connections() > 0);
    let standin = tenant.standin.clone();
    until(&tenant, |_| standin.open_connections() == 0).await;
    assert_eq!(tenant.standin.counters().refresh_exchanges, 1);
}

#[tokio::test]
async fn mishaps_happen_in_their_order_as_often_as_planned_and_only_where_planned() {
    let tenant = Tenant::start().await;
    tenant.standin.change_faults(|faults| {
        faults.next(Endpoint::Me, 2, Fault::Status { status: 500 });
        faults.next(Endpoint::Me, 1, Fault::Status { status: 503 });
        faults.always(Endpoint::Api, Fault::Status { status: 504 });
    });
    let reply = tenant.login().await;
    for status in [500, 500, 503, 504, 504] {
        assert_eq!(tenant.api("/me", text(&reply, "access_token")).await.status, status);
    }
    let counters = tenant.standin.counters();
    assert_eq!((counters.requests_to(Endpoint::Me), counters.requests_to(Endpoint::Api), counters.planned), (5, 5, 5));
    assert_eq!(counters.requests_to(Endpoint::Token), 1);
}

#[tokio::test]
async fn what_hangs_does_not_keep_the_server_from_stopping() {
    let (mut tenant, token) = with_fault(Fault::Hang).await;
    let (url, http, form) = (tenant.url.clone(), tenant.http.clone(), tenant.refresh_form(&token));
    let hanging = tokio::spawn(async move { http.post(format!("{url}/oauth/token")).json(&form.json()).send().await });
    until(&tenant, |counters| counters.planned == 1).await;
    tenant.stop().await;
    assert!(hanging.await.unwrap().is_err());
}
