//! The part of the command `check` that asks the provider: reachability, issuer, clock, client id, callback and secret.

use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge};
use reqwest::{Response, header};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use crate::{
    http::{BODY_LIMIT, endpoint, http_date, read_body},
    provider::{
        Provider,
        authorize::{AuthorizeParams, Nonce, Prompt},
        check_result::{CheckResult, LoginImpact},
        exchange_error::ExchangeError,
        refusal_reason::RefusalReason,
    },
    telemetry::{certificate_fix, excerpt, innermost},
};

/// How far the clocks may differ when an id_token is verified, in seconds.
const TOLERATED_SKEW: i64 = 60;
/// If the clock is this far ahead, in seconds, an id_token with Auth0's default life of ten hours seems to have
/// expired.
const ID_TOKEN_LIFE: i64 = 36_000 + TOLERATED_SKEW;

impl Provider {
    /// Checks whether issuer, clock, client id, callback and secret are right, without a login by a person. The results
    /// are in the order in which to fix them.
    pub async fn check(&self) -> Vec<CheckResult> {
        let metadata = endpoint(&self.config.auth_url, "/.well-known/openid-configuration");
        let response = match self.http.client.get(metadata).send().await {
            Ok(response) => response,
            Err(error) => {
                let (url, fix) = (self.config.auth_url.to_string(), certificate_fix(&error));
                return vec![CheckResult::Unreachable { url, why: message(error), fix }];
            }
        };
        let clock = clock(&response, self.http.clock.now(), &self.config.scopes);
        let issuer = issuer(response, &self.config.issuer).await;
        let credentials = check_credentials(self).await;
        let login = check_login(self, &credentials).await;
        vec![clock, issuer, login.clone(), credentials.result(&login)]
    }
}

/// Compares the clocks. VideoAsk dates an id_token by its own clock: if ours is behind, `iat` and `nbf` are in the
/// future, and if ours is far ahead, `exp` has passed.
fn clock(response: &Response, now: OffsetDateTime, scopes: &[String]) -> CheckResult {
    let date = response.headers().get(header::DATE).and_then(|date| http_date(date.to_str().ok()?));
    let Some(seconds) = date.map(|date| (now - date).whole_seconds()) else { return CheckResult::ClockUnknown };
    let has_id_token = scopes.iter().any(|scope| scope == "openid");
    let logins = if has_id_token && seconds < -TOLERATED_SKEW {
        LoginImpact::RejectedAsFuture
    } else if has_id_token && seconds >= ID_TOKEN_LIFE {
        LoginImpact::RejectedAsExpired
    } else {
        LoginImpact::None
    };
    if seconds.abs() > TOLERATED_SKEW { CheckResult::ClockSkewed { seconds, logins } } else { CheckResult::ClockInSync }
}

async fn issuer(response: Response, ours: &str) -> CheckResult {
    let status = response.status().as_u16();
    let body = read_body(response, BODY_LIMIT).await.unwrap_or_default();
    let metadata: Value = serde_json::from_slice(&body).unwrap_or_default();
    match metadata.get("issuer").and_then(Value::as_str) {
        None => CheckResult::IssuerUnknown { status },
        Some(theirs) if theirs == ours => CheckResult::IssuerMatches,
        Some(theirs) => CheckResult::IssuerMismatch { ours: ours.to_owned(), theirs: excerpt(theirs) },
    }
}

/// Whether the token endpoint accepts client id and secret.
enum Credentials {
    Valid,
    Rejected { code: String },
    Unknown { why: String },
}

/// Exchanges a random code. The endpoint checks the client before the code, so `invalid_grant` proves that id and
/// secret are right.
async fn check_credentials(provider: &Provider) -> Credentials {
    let (_, verifier) = PkceCodeChallenge::new_random_sha256();
    let code = AuthorizationCode::new(CsrfToken::new_random().into_secret());
    match provider.exchange_code(code, Some(verifier)).await {
        Err(ExchangeError::Refused { reason: RefusalReason::InvalidGrant, .. }) => Credentials::Valid,
        Err(ExchangeError::Refused { reason, status, code, .. })
            if status == 401 || matches!(reason, RefusalReason::ClientRejected | RefusalReason::AccessDenied) =>
        {
            Credentials::Rejected { code }
        }
        Err(error) => Credentials::Unknown { why: error.to_string() },
        Ok(_) => Credentials::Unknown { why: "a made-up code was exchanged".to_owned() },
    }
}

impl Credentials {
    fn result(self, login: &CheckResult) -> CheckResult {
        match (self, login) {
            (Self::Valid, _) => CheckResult::SecretValid,
            (
                Self::Rejected { .. },
                CheckResult::ClientUnknown { .. } | CheckResult::ClientOrCallbackRejected { .. },
            ) => CheckResult::SecretUnverified { why: "the client id may be wrong".to_owned() },
            (Self::Rejected { code }, _) => CheckResult::SecretInvalid { code },
            (Self::Unknown { why }, _) => CheckResult::SecretUnverified { why },
        }
    }
}

/// Starts a login with `prompt=none`. For a known client with a registered callback, VideoAsk redirects immediately.
async fn check_login(provider: &Provider, credentials: &Credentials) -> CheckResult {
    let (_, verifier) = PkceCodeChallenge::new_random_sha256();
    let (state, nonce) = (CsrfToken::new_random(), Nonce::new(CsrfToken::new_random().into_secret()));
    let params = AuthorizeParams { state: &state, nonce: &nonce, verifier: &verifier, prompt: Some(Prompt::None) };
    let response = match provider.http.client.get(provider.authorize_url(&params)).send().await {
        Ok(response) => response,
        Err(error) => return CheckResult::LoginUnverified { why: message(error) },
    };
    let status = response.status();
    if let Some(target) = redirect(&response, &provider.config.callback) {
        return redirected(&target);
    }
    let text = text_of(response).await;
    if status.is_client_error() && status.as_u16() != 429 || text.contains("error") && status.is_redirection() {
        return rejected(provider, credentials, &text);
    }
    CheckResult::LoginUnverified { why: format!("status {}", status.as_u16()) }
}

fn redirect(response: &Response, callback: &Url) -> Option<Url> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let target = Url::parse(location).ok().filter(|_| response.status().is_redirection())?;
    (target.origin() == callback.origin() && target.path() == callback.path()).then_some(target)
}

fn redirected(target: &Url) -> CheckResult {
    let query = |name: &str| target.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    match query("error").as_deref() {
        // This program has no session at VideoAsk, or a person would have to answer a question. Client and callback are
        // right.
        None | Some("login_required" | "consent_required" | "interaction_required" | "account_selection_required") => {
            CheckResult::ClientAndCallbackValid
        }
        Some(code) => CheckResult::LoginRejected {
            code: excerpt(code),
            description: excerpt(&query("error_description").unwrap_or_default()),
        },
    }
}

fn rejected(provider: &Provider, credentials: &Credentials, text: &str) -> CheckResult {
    let client_id = provider.config.client_id.clone();
    let callback = provider.config.callback.to_string();
    // If the token endpoint accepted the client, only the callback can be wrong. The text of the page is a weaker sign,
    // since VideoAsk may change it.
    if matches!(credentials, Credentials::Valid) || text.contains("callback url mismatch") {
        CheckResult::CallbackUnregistered { callback }
    } else if text.contains("unknown client") {
        CheckResult::ClientUnknown { client_id }
    } else {
        CheckResult::ClientOrCallbackRejected { client_id, callback }
    }
}

/// The body and the `Location` header, in lower case.
async fn text_of(response: Response) -> String {
    let location = response.headers().get(header::LOCATION).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    let body = read_body(response, BODY_LIMIT).await.unwrap_or_default();
    [location.as_slice(), &body].map(String::from_utf8_lossy).join("\n").to_lowercase()
}

fn message(error: reqwest::Error) -> String {
    innermost(&error.without_url())
}
