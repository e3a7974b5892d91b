use std::time::Duration;

use serde_json::Value;

use crate::tenant::{Tenant, text};

const LEEWAY: Duration = Duration::from_secs(30);

async fn refresh_token(tenant: &Tenant) -> String {
    text(&tenant.login().await, "refresh_token").to_owned()
}

/// Refreshes, and returns the new refresh token.
async fn rotate(tenant: &Tenant, token: &str) -> String {
    text(&tenant.refresh(token).await.granted(), "refresh_token").to_owned()
}

#[tokio::test]
async fn without_rotation_the_old_token_stays_good_and_no_new_one_comes() {
    let tenant = Tenant::start().await;
    let token = refresh_token(&tenant).await;
    for _ in 0..3 {
        let reply = tenant.refresh(&token).await.granted();
        assert_eq!(reply["refresh_token"], Value::Null);
        assert!(reply["access_token"].is_string() && reply["id_token"].is_string());
    }
    let counters = tenant.standin.counters();
    assert_eq!((counters.refresh_exchanges, counters.spent_tokens_seen), (3, 0));
}

#[tokio::test]
async fn with_rotation_a_spent_token_kills_its_whole_family_and_no_other() {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    let (first, other_login) = (refresh_token(&tenant).await, refresh_token(&tenant).await);
    let second = rotate(&tenant, &first).await;
    tenant.refresh(&first).await.is_dead();
    tenant.refresh(&second).await.is_dead();
    rotate(&tenant, &other_login).await;
    let counters = tenant.standin.counters();
    assert_eq!((counters.refresh_exchanges, counters.refresh_refusals, counters.spent_tokens_seen), (2, 2, 1));
}

#[tokio::test]
async fn a_spent_token_of_a_dead_family_still_counts_as_seen() {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    let first = refresh_token(&tenant).await;
    let second = rotate(&tenant, &first).await;
    tenant.revoke(&second).await;
    tenant.refresh(&first).await.is_dead();
    assert_eq!(tenant.standin.counters().spent_tokens_seen, 1);
}

#[tokio::test]
async fn the_previous_token_is_forgiven_until_the_leeway_is_over() {
    let tenant = Tenant::rotating(LEEWAY).await;
    let first = refresh_token(&tenant).await;
    rotate(&tenant, &first).await;
    tenant.advance(29);
    let after_a_lost_reply = rotate(&tenant, &first).await;
    assert_eq!(tenant.standin.counters().spent_tokens_seen, 1);
    tenant.advance(1);
    tenant.refresh(&first).await.is_dead();
    tenant.refresh(&after_a_lost_reply).await.is_dead();
}

#[tokio::test]
async fn only_the_immediately_previous_token_is_forgiven() {
    let tenant = Tenant::rotating(LEEWAY).await;
    let first = refresh_token(&tenant).await;
    let second = rotate(&tenant, &first).await;
    let third = rotate(&tenant, &second).await;
    tenant.refresh(&first).await.is_dead();
    tenant.refresh(&third).await.is_dead();
}

#[tokio::test]
async fn a_token_that_a_forgiven_one_has_replaced_is_spent() {
    let tenant = Tenant::rotating(LEEWAY).await;
    let first = refresh_token(&tenant).await;
    let lost = rotate(&tenant, &first).await;
    rotate(&tenant, &first).await;
    tenant.refresh(&lost).await.is_dead();
}

#[tokio::test]
async fn twenty_refreshes_at_once_without_leeway_are_one_exchange_and_the_end() {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    let token = refresh_token(&tenant).await;
    let answers = futures_util::future::join_all((0..20).map(|_| tenant.refresh(&token))).await;
    let granted: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(granted.len(), 1);
    tenant.refresh(text(&granted[0].json, "refresh_token")).await.is_dead();
    assert_eq!(tenant.standin.counters().refresh_exchanges, 1);
}

#[tokio::test]
async fn rotating_does_not_extend_the_thirty_days() {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    let mut token = refresh_token(&tenant).await;
    for _ in 0..29 {
        tenant.advance(86_400);
        token = rotate(&tenant, &token).await;
    }
    tenant.advance(86_400);
    tenant.refresh(&token).await.is_dead();
}

#[tokio::test]
async fn a_spent_token_past_its_life_still_counts_as_seen() {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    let first = refresh_token(&tenant).await;
    rotate(&tenant, &first).await;
    tenant.advance(30 * 86_400);
    tenant.refresh(&first).await.is_dead();
    assert_eq!(tenant.standin.counters().spent_tokens_seen, 1);
}

#[tokio::test]
async fn an_unknown_token_is_dead_and_a_wrong_secret_spends_nothing() {
    let tenant = Tenant::rotating(Duration::ZERO).await;
    tenant.refresh("v1.made-up").await.is_dead();
    let token = refresh_token(&tenant).await;
    tenant.token(&tenant.refresh_form(&token).set("client_secret", "wrong")).await.is(401, "invalid_client");
    rotate(&tenant, &token).await;
    assert_eq!(tenant.standin.counters().spent_tokens_seen, 0);
}

#[tokio::test]
async fn revoking_ends_the_refresh_token_but_not_the_access_token() {
    let tenant = Tenant::start().await;
    let (pair, other) = (tenant.login().await, refresh_token(&tenant).await);
    let token = text(&pair, "refresh_token");
    assert_eq!(tenant.revoke(token).await, (reqwest::StatusCode::OK, String::new()));
    tenant.refresh(token).await.is_dead();
    tenant.api("/me", text(&pair, "access_token")).await.granted();
    tenant.refresh(&other).await.granted();
    assert_eq!(tenant.revoke("v1.made-up").await.0, 200);
    assert_eq!(tenant.standin.counters().revokes, 1);
}

#[tokio::test]
async fn revoking_needs_the_secret_and_a_token() {
    let tenant = Tenant::start().await;
    let token = refresh_token(&tenant).await;
    let form = [("client_id", "demo-client-id"), ("client_secret", "wrong"), ("token", &token)];
    let answer = tenant.http.post(format!("{}/oauth/revoke", tenant.url)).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    tenant.refresh(&token).await.granted();
    assert_eq!(tenant.revoke("").await.0, 400);
}
