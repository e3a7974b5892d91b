//! How `check` asks the provider, without a human: reachability, issuer, clock, client id, callback, secret.

use oauth2::{AuthorizationCode, CsrfToken, PkceCodeChallenge};
use reqwest::{Response, header};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use crate::{
    http::{BODY_LIMIT, endpoint, read_capped},
    provider::{
        Provider,
        answer::{ExchangeError, http_date},
        authorize::{AuthorizeParams, Nonce, Prompt},
        finding::{Finding, Logins},
    },
    telemetry::{certificate_fix, excerpt, innermost},
};

/// The tolerance of the id_token's checks, in seconds.
const TOLERATED_SKEW: i64 = 60;
/// From so far ahead on, an id_token of Auth0's default life, ten hours, has expired when it arrives. In seconds.
const ID_TOKEN_LIFE: i64 = 36_000 + TOLERATED_SKEW;

/// Asks all there is to ask. Findings come in the order in which they should be fixed.
pub(super) async fn diagnose(provider: &Provider) -> Vec<Finding> {
    let metadata = endpoint(&provider.config.auth_url, "/.well-known/openid-configuration");
    let response = match provider.wire.client.get(metadata).send().await {
        Ok(response) => response,
        Err(error) => {
            let (url, fix) = (provider.config.auth_url.to_string(), certificate_fix(&error));
            return vec![Finding::Unreachable { url, why: words(error), fix }];
        }
    };
    let clock = clock(&response, provider.wire.clock.now(), &provider.config.scopes);
    let issuer = issuer(response, &provider.config.issuer).await;
    let secret = exchange_made_up_code(provider).await;
    let login = login(provider, &secret).await;
    vec![clock, issuer, login.clone(), secret.beside(&login)]
}

/// What a login's id_token, which VideoAsk issues at its own time, would meet in `id_token/claims.rs`: `iat` and `nbf`
/// lie ahead of a clock that is behind, and `exp` is over for one that is far ahead.
fn clock(response: &Response, now: OffsetDateTime, scopes: &[String]) -> Finding {
    let date = response.headers().get(header::DATE).and_then(|date| http_date(date.to_str().ok()?));
    let Some(seconds) = date.map(|date| (now - date).whole_seconds()) else { return Finding::ClockUnknown };
    let has_id_token = scopes.iter().any(|scope| scope == "openid");
    let logins = if has_id_token && seconds < -TOLERATED_SKEW {
        Logins::Refused
    } else if has_id_token && seconds >= ID_TOKEN_LIFE {
        Logins::RefusedAfterLife
    } else {
        Logins::Work
    };
    if seconds.abs() > TOLERATED_SKEW { Finding::ClockSkewed { seconds, logins } } else { Finding::ClockFits }
}

async fn issuer(response: Response, ours: &str) -> Finding {
    let status = response.status().as_u16();
    let body = read_capped(response, BODY_LIMIT).await.unwrap_or_default();
    let metadata: Value = serde_json::from_slice(&body).unwrap_or_default();
    match metadata.get("issuer").and_then(Value::as_str) {
        None => Finding::IssuerUnknown { status },
        Some(theirs) if theirs == ours => Finding::IssuerFits,
        Some(theirs) => Finding::IssuerDiffers { ours: ours.to_owned(), theirs: excerpt(theirs) },
    }
}

/// What the token endpoint thinks of client id and secret together.
enum Credentials {
    Good,
    Refused { code: String },
    Unclear { why: String },
}

/// Who may exchange is judged before what they exchange, so `invalid_grant` proves id and secret.
async fn exchange_made_up_code(provider: &Provider) -> Credentials {
    let (_, verifier) = PkceCodeChallenge::new_random_sha256();
    let code = AuthorizationCode::new(CsrfToken::new_random().into_secret());
    match provider.exchange_code(code, Some(verifier)).await {
        Err(ExchangeError::Refused { code, .. }) if code == "invalid_grant" => Credentials::Good,
        Err(ExchangeError::Refused { code, status, .. })
            if status == 401 || ["invalid_client", "access_denied", "unauthorized_client"].contains(&code.as_str()) =>
        {
            Credentials::Refused { code }
        }
        Err(error) => Credentials::Unclear { why: error.to_string() },
        Ok(_) => Credentials::Unclear { why: "a made-up code was exchanged".to_owned() },
    }
}

impl Credentials {
    fn beside(self, login: &Finding) -> Finding {
        match (self, login) {
            (Self::Good, _) => Finding::SecretFits,
            (Self::Refused { .. }, Finding::ClientUnknown { .. } | Finding::ClientOrCallbackRefused { .. }) => {
                Finding::SecretUnclear { why: "the client id may be wrong".to_owned() }
            }
            (Self::Refused { code }, _) => Finding::SecretWrong { code },
            (Self::Unclear { why }, _) => Finding::SecretUnclear { why },
        }
    }
}

/// Asks for a login with `prompt=none`: a known client with a registered callback is sent back at once.
async fn login(provider: &Provider, credentials: &Credentials) -> Finding {
    let (_, verifier) = PkceCodeChallenge::new_random_sha256();
    let (state, nonce) = (CsrfToken::new_random(), Nonce::new(CsrfToken::new_random().into_secret()));
    let prompt = Some(Prompt::None);
    let params = AuthorizeParams { state: &state, nonce: &nonce, verifier: &verifier, prompt, login_hint: None };
    let response = match provider.wire.client.get(provider.authorize_url(&params)).send().await {
        Ok(response) => response,
        Err(error) => return Finding::LoginUnclear { why: words(error) },
    };
    let status = response.status();
    if let Some(target) = redirect(&response, &provider.config.callback) {
        return sent_back(&target);
    }
    let text = text_of(response).await;
    if status.is_client_error() && status.as_u16() != 429 || text.contains("error") && status.is_redirection() {
        return refused(provider, credentials, &text);
    }
    Finding::LoginUnclear { why: format!("status {}", status.as_u16()) }
}

/// Where the answer sends people, if that is the callback.
fn redirect(response: &Response, callback: &Url) -> Option<Url> {
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let target = Url::parse(location).ok().filter(|_| response.status().is_redirection())?;
    (target.origin() == callback.origin() && target.path() == callback.path()).then_some(target)
}

fn sent_back(target: &Url) -> Finding {
    let query = |name: &str| target.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    match query("error").as_deref() {
        // Nobody is logged in here, or somebody would have to be asked something: both mean that all is well.
        None | Some("login_required" | "consent_required" | "interaction_required" | "account_selection_required") => {
            Finding::ClientAndCallbackFit
        }
        Some(code) => Finding::LoginRefused {
            code: excerpt(code),
            description: excerpt(&query("error_description").unwrap_or_default()),
        },
    }
}

fn refused(provider: &Provider, credentials: &Credentials, text: &str) -> Finding {
    let client_id = provider.config.client_id.clone();
    let callback = provider.config.callback.to_string();
    // Only the token endpoint's word is certain; what a page says to people may be worded otherwise tomorrow.
    if matches!(credentials, Credentials::Good) || text.contains("callback url mismatch") {
        Finding::CallbackUnregistered { callback }
    } else if text.contains("unknown client") {
        Finding::ClientUnknown { client_id }
    } else {
        Finding::ClientOrCallbackRefused { client_id, callback }
    }
}

/// All the answer says, in lower case: its body, and where it redirects to.
async fn text_of(response: Response) -> String {
    let location = response.headers().get(header::LOCATION).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
    let body = read_capped(response, BODY_LIMIT).await.unwrap_or_default();
    [location.as_slice(), &body].map(String::from_utf8_lossy).join("\n").to_lowercase()
}

fn words(error: reqwest::Error) -> String {
    innermost(&error.without_url())
}
