use axum::response::Response;
use serde_json::json;
use videoask_auth::{
    clock::Clock,
    config::ProviderConfig,
    provider::{CheckResult, CheckStatus, LoginImpact, Provider},
    telemetry::Metrics,
};

use crate::{
    ports::ReservedPort,
    stub::{NOW, ReceivedRequest, Stub, answer, config, json as json_answer, local_url},
};

const CALLBACK: &str = "http://localhost:3000/auth/videoask/callback";
const DATE: &str = "Tue, 24 Nov 2026 08:00:00 GMT";

/// The responses of a provider to the three requests of the check.
#[derive(Clone, Copy)]
struct Responses {
    issuer: Option<&'static str>,
    date: &'static str,
    authorize: fn() -> Response,
    token: fn() -> Response,
}

const SOUND: Responses = Responses {
    issuer: Some("https://auth.example/"),
    date: DATE,
    authorize: || answer(302, &[("location", &format!("{CALLBACK}?error=login_required&state=x"))], ""),
    token: || json_answer(403, &json!({ "error": "invalid_grant" })),
};

fn bad_credentials() -> Response {
    json_answer(401, &json!({ "error": "access_denied", "error_description": "Unauthorized" }))
}

async fn check(answers: Responses) -> Vec<CheckResult> {
    let stub = Stub::answering(move |seen: &ReceivedRequest| match seen.uri.path() {
        "/.well-known/openid-configuration" => {
            let body = answers.issuer.map_or(json!({}), |issuer| json!({ "issuer": issuer })).to_string();
            answer(200, &[("date", answers.date)], body)
        }
        "/authorize" => (answers.authorize)(),
        "/oauth/token" => (answers.token)(),
        _ => answer(404, &[], ""),
    })
    .await;
    let config = ProviderConfig { issuer: "https://auth.example/".to_owned(), ..config(&stub.url) };
    let (clock, _) = Clock::manual(NOW);
    let results = Provider::new(&config, clock, Metrics::default()).expect("an HTTP client").check().await;
    let authorize =
        stub.seen().into_iter().find(|seen| seen.uri.path() == "/authorize").expect("a login was asked for");
    assert!(authorize.uri.query().is_some_and(|query| query.contains("prompt=none")), "nobody is asked anything");
    for finding in &results {
        assert_eq!(finding.fix().is_none(), finding.status() == CheckStatus::Passed, "{finding}");
    }
    results
}

fn problems(results: &[CheckResult]) -> Vec<&CheckResult> {
    results.iter().filter(|finding| finding.status() != CheckStatus::Passed).collect()
}

#[tokio::test]
async fn a_sound_set_up_has_four_good_findings() {
    let sound = [
        CheckResult::ClockInSync,
        CheckResult::IssuerMatches,
        CheckResult::ClientAndCallbackValid,
        CheckResult::SecretValid,
    ];
    assert_eq!(check(SOUND).await, sound);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_the_one_finding() {
    let (clock, _) = Clock::manual(NOW);
    let nobodys = ReservedPort::new();
    let url = local_url(nobodys.number());
    let results = Provider::new(&config(&url), clock, Metrics::default()).expect("an HTTP client").check().await;
    assert!(matches!(&results[..], [CheckResult::Unreachable { .. }]), "{results:?}");
}

#[tokio::test]
async fn another_issuer_is_named_with_the_line_that_fixes_it() {
    let results = check(Responses { issuer: Some("https://other.example/"), ..SOUND }).await;
    let [differs @ CheckResult::IssuerMismatch { .. }] = problems(&results)[..] else { panic!("{results:?}") };
    assert_eq!(differs.fix().as_deref(), Some("Set ISSUER=https://other.example/"));
    let results = check(Responses { issuer: None, ..SOUND }).await;
    assert_eq!(problems(&results), [&CheckResult::IssuerUnknown { status: 200 }]);
}

#[tokio::test]
async fn a_clock_off_by_more_than_a_minute_is_a_problem() {
    for (date, seconds, logins) in [
        ("Tue, 24 Nov 2026 08:01:01 GMT", -61, LoginImpact::RejectedAsFuture),
        ("Wed, 25 Nov 2026 08:00:00 GMT", -86_400, LoginImpact::RejectedAsFuture),
        ("Tue, 24 Nov 2026 07:58:00 GMT", 120, LoginImpact::None),
        ("Mon, 23 Nov 2026 21:59:01 GMT", 36_059, LoginImpact::None),
        ("Mon, 23 Nov 2026 21:59:00 GMT", 36_060, LoginImpact::RejectedAsExpired),
    ] {
        let results = check(Responses { date, ..SOUND }).await;
        let [found] = problems(&results)[..] else { panic!("{results:?}") };
        assert_eq!(found, &CheckResult::ClockSkewed { seconds, logins });
        assert_eq!(found.to_string().contains("refused"), logins != LoginImpact::None, "{found}");
    }
    let results = check(Responses { date: "Tue, 24 Nov 2026 08:01:00 GMT", ..SOUND }).await;
    assert!(problems(&results).is_empty());
    assert_eq!(problems(&check(Responses { date: "today", ..SOUND }).await), [&CheckResult::ClockUnknown]);
}

#[tokio::test]
async fn a_wrong_secret_is_told_from_an_exchange_that_failed_otherwise() {
    let results = check(Responses { token: bad_credentials, ..SOUND }).await;
    assert_eq!(problems(&results), [&CheckResult::SecretInvalid { code: "access_denied".to_owned() }]);
    let results = check(Responses { token: || answer(429, &[], ""), ..SOUND }).await;
    assert!(matches!(problems(&results)[..], [CheckResult::SecretUnverified { .. }]), "{results:?}");
}

#[tokio::test]
async fn an_error_page_means_the_callback_where_the_token_endpoint_knows_the_client() {
    let results = check(Responses { authorize: || answer(403, &[], "<h1>Oops!"), ..SOUND }).await;
    assert_eq!(problems(&results), [&CheckResult::CallbackUnregistered { callback: CALLBACK.to_owned() }]);
}

#[tokio::test]
async fn an_error_page_is_otherwise_read_or_left_open() {
    let wrong = |authorize| Responses { authorize, token: bad_credentials, ..SOUND };
    let client = check(wrong(|| answer(400, &[], "<h1>Unknown client: client-1"))).await;
    assert!(
        matches!(problems(&client)[..], [CheckResult::ClientUnknown { .. }, CheckResult::SecretUnverified { .. }]),
        "{client:?}"
    );
    let callback = check(wrong(|| answer(403, &[], "<h1>Callback URL mismatch."))).await;
    assert!(
        matches!(
            problems(&callback)[..],
            [CheckResult::CallbackUnregistered { .. }, CheckResult::SecretInvalid { .. }]
        ),
        "{callback:?}"
    );
    let open = check(wrong(|| answer(403, &[], "<h1>Oops!"))).await;
    assert!(
        matches!(
            problems(&open)[..],
            [CheckResult::ClientOrCallbackRejected { .. }, CheckResult::SecretUnverified { .. }]
        ),
        "{open:?}"
    );
}

#[tokio::test]
async fn a_login_that_is_sent_back_with_another_error_is_not_called_good() {
    let refused = || {
        let query = "error=access_denied&error_description=Service+not+found";
        answer(302, &[("location", &format!("{CALLBACK}?{query}"))], "")
    };
    let results = check(Responses { authorize: refused, ..SOUND }).await;
    assert!(matches!(problems(&results)[..], [CheckResult::LoginRejected { .. }]), "{results:?}");
    for unclear in [(|| answer(503, &[], "")) as fn() -> Response, || answer(200, &[], "<form>")] {
        let results = check(Responses { authorize: unclear, ..SOUND }).await;
        assert!(matches!(problems(&results)[..], [CheckResult::LoginUnverified { .. }]), "{results:?}");
    }
}
