//! Requests to every page, and logins during every fault of the provider.

use std::collections::BTreeSet;

use reqwest::{Method, header::SET_COOKIE};
use standin::{Deviation, Endpoint, Fault, Faults};
use url::Url;

use super::CLIENT_SECRET;
use crate::support::{Deployment, Page, Secrets, Server, browser::Browser};

const PATHS: [&str; 18] = [
    "/",
    "/tokens",
    "/tokens/export/env",
    "/tokens/export/json",
    "/tokens/export/xml",
    "/tokens/forms",
    "/tokens/forms?limit=none",
    "/tokens/refresh",
    "/tokens/revoke",
    "/logout",
    "/auth/videoask?prompt=none",
    "/auth/videoask/callback",
    "/healthz",
    "/readyz",
    "/robots.txt",
    "/favicon.ico",
    "/static/none.css",
    "/nowhere",
];

/// The paths whose responses have tokens on purpose. `/proxy/echo` returns the access token that the stand-in received.
const PAIR: [&str; 6] =
    ["/tokens", "/tokens/export/env", "/tokens/export/json", "/api/token", "/oauth/token", "/proxy/echo"];

const QUIRKS: [Deviation; 22] = [
    Deviation::OpaqueAccessToken,
    Deviation::NoIdToken,
    Deviation::NoRefreshToken,
    Deviation::NoExpiresIn,
    Deviation::ExpiresInText,
    Deviation::NoAccessToken,
    Deviation::WrongIssuer,
    Deviation::WrongAudience,
    Deviation::WrongNonce,
    Deviation::ExpiredIdToken,
    Deviation::BrokenSignature,
    Deviation::Hs256,
    Deviation::NewSigningKey,
    Deviation::UnlistedSigningKey,
    Deviation::EmailUnverified,
    Deviation::StrictClient,
    Deviation::RefusePkce,
    Deviation::WrongSecretIsAccessDenied,
    Deviation::RefuseAccessTokens,
    Deviation::CallbackIssuer,
    Deviation::WrongCallbackIssuer,
    Deviation::WrongState,
];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::Status { status: 500 },
        Fault::Status { status: 401 },
        Fault::Html { status: 200 },
        Fault::Html { status: 502 },
        Fault::TooManyRequests { reset_in: Some(60), retry_after: None },
        Fault::Unauthorized,
        Fault::Redirect,
        Fault::HugeBody,
        Fault::Cut,
        Fault::CutHalfway,
        Fault::ReplyLost,
    ]
}

/// Faults of the token endpoint alone: it returns the client secret in an error, or does not respond before the
/// timeout.
pub(super) fn faults_of_the_token_endpoint() -> Vec<Fault> {
    let error = |error: &str| Fault::Error {
        status: 400,
        error: error.to_owned(),
        description: format!("you sent {CLIENT_SECRET}"),
    };
    vec![error("invalid_client"), error("invalid_grant"), error(CLIENT_SECRET), Fault::HangAfter]
}

/// A walk over the pages, and everything that the app sent meanwhile.
pub struct PageWalk<'a> {
    pub(super) deployment: &'a Deployment,
    server: &'a Server,
    pub(super) browser: Browser,
    /// Texts that must not have a secret in them, each after the place where it was seen.
    pub seen: Vec<(String, String)>,
    /// The responses that have tokens on purpose.
    pub shown: Vec<String>,
    pub secrets: Secrets,
}

impl<'a> PageWalk<'a> {
    pub fn new(deployment: &'a Deployment, server: &'a Server) -> Self {
        let (browser, secrets) = (server.browser(), super::canaries());
        Self { deployment, server, browser, seen: Vec::new(), shown: Vec::new(), secrets }
    }

    /// Notes a response of the app. The values of its cookies count as secrets.
    pub(super) fn note(&mut self, page: &Page) {
        for cookie in page.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok()) {
            let value = cookie.split(';').next().and_then(|pair| pair.split_once('=')).map(|(_, value)| value);
            self.secrets.add("cookie", value.unwrap_or_default());
        }
        let off_to_videoask = page.url.path() == "/auth/videoask";
        let is_meant = |name: &str| name == "set-cookie" || (name == "location" && off_to_videoask);
        let told = page.headers.iter().filter(|(name, _)| !is_meant(name.as_str()));
        let headers: Vec<String> = told.map(|(name, value)| format!("{name}: {value:?}")).collect();
        let place = format!("{} {}", page.status, page.url.path());
        self.seen.push((format!("headers of {place}"), headers.join("\n")));
        if page.status == 200 && PAIR.contains(&page.url.path()) {
            self.shown.push(page.text());
        } else {
            self.seen.push((place, page.text()));
        }
    }

    pub async fn get(&mut self, path: &str) -> Page {
        let page = self.browser.get(path).await;
        self.note(&page);
        page
    }

    /// Sends a request with a secret in every header that could have one.
    async fn send(&mut self, method: Method, path: &str, body: Vec<u8>) {
        let url = format!("http://x.example/?code={CLIENT_SECRET}");
        let with = |request: reqwest::RequestBuilder| {
            let request = request.bearer_auth(CLIENT_SECRET).header("x-request-id", CLIENT_SECRET);
            // The server closes a connection whose request body it does not read to its end.
            request.header("referer", &url).header("origin", &url).header("connection", "close").body(body)
        };
        let page = self.browser.send(method, &self.browser.url(path), with).await;
        self.note(&page);
    }

    /// Starts a login at VideoAsk, and returns the URL of the callback.
    async fn callback(&mut self, decision: &str) -> Url {
        let there = self.get("/auth/videoask").await.location().expect("it leads to VideoAsk");
        let page = self.browser.get(there.as_str()).await;
        let back = match page.location() {
            Some(back) => back,
            None => self.browser.decide(&page, "ada@example.com", decision).await.location().expect("it leads back"),
        };
        self.server.here(back)
    }

    pub async fn log_in(&mut self) -> Page {
        let callback = self.callback("approve").await;
        let page = self.get(callback.as_str()).await;
        match page.location() {
            Some(next) => self.get(next.as_str()).await,
            None => page,
        }
    }

    /// Requests every route, also with secrets in wrong places and with wrong methods.
    pub async fn every_route(&mut self) {
        for path in PATHS {
            self.get(path).await;
            let separator = if path.contains('?') { '&' } else { '?' };
            let secret = format!("{path}{separator}code={CLIENT_SECRET}&access_token={CLIENT_SECRET}");
            self.get(&secret).await;
            for method in [Method::POST, Method::from_bytes(b"PURGE").unwrap()] {
                self.send(method, path, format!("code={CLIENT_SECRET}").into_bytes()).await;
            }
        }
        self.get(&format!("/{CLIENT_SECRET}")).await;
        self.send(Method::POST, "/logout", vec![b'x'; 100_000]).await;
    }

    /// Every kind of callback: approved, denied, used twice, from another browser, and without parameters.
    pub async fn every_login(&mut self) {
        self.log_in().await;
        let callback = self.callback("deny").await;
        self.get(callback.as_str()).await;
        let callback = self.callback("approve").await;
        self.get(callback.as_str()).await;
        self.get(callback.as_str()).await;
        self.browser = self.server.browser();
        self.get(callback.as_str()).await;
        self.get("/auth/videoask/callback").await;
    }

    /// Logs in during every deviation and every fault of the provider.
    pub async fn every_mood_of_the_provider(&mut self) {
        let standin = &self.deployment.provider.standin;
        for deviation in QUIRKS {
            standin.set_faults(Faults { deviations: BTreeSet::from([deviation]), ..Faults::default() });
            self.log_in().await;
            self.get("/tokens/forms").await;
        }
        for fault in faults() {
            self.log_in_during(Endpoint::Token, fault.clone(), []).await;
            self.log_in_during(Endpoint::Me, fault, [Deviation::NoIdToken]).await;
        }
        for fault in faults_of_the_token_endpoint() {
            self.log_in_during(Endpoint::Token, fault, []).await;
        }
        let refusal = Fault::Error { status: 400, error: "unauthorized".into(), description: "no".into() };
        self.log_in_during(Endpoint::Authorize, refusal, []).await;
        standin.set_faults(Faults::default());
        self.log_in().await;
        for fault in faults() {
            standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, fault));
            self.get("/tokens/forms").await;
        }
    }

    /// Presses the buttons of the token page: "refresh" and "revoke" during each fault, and then all three without a
    /// fault.
    pub async fn every_button(&mut self) {
        let standin = &self.deployment.provider.standin;
        for fault in faults().into_iter().chain(faults_of_the_token_endpoint()) {
            self.log_in().await;
            standin.change_faults(|faults| faults.next(Endpoint::Token, 2, fault));
            self.press("/tokens/refresh").await;
            standin.set_faults(Faults::default());
        }
        for fault in faults() {
            self.log_in().await;
            standin.change_faults(|faults| faults.next(Endpoint::Revoke, 1, fault));
            self.press("/tokens/revoke").await;
        }
        for button in ["/tokens/refresh", "/tokens/revoke", "/logout"] {
            self.log_in().await;
            self.press(button).await;
        }
    }

    async fn press(&mut self, button: &str) {
        let text = self.get("/tokens").await.text();
        let hidden = |name: &str| {
            let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_default();
            rest.split('"').next().unwrap_or_default().to_owned()
        };
        let form = ["connection", "generation"].map(|name| (name, hidden(name)));
        let with = |request: reqwest::RequestBuilder| request.header("sec-fetch-site", "same-origin").form(&form);
        let page = self.browser.send(Method::POST, &self.browser.url(button), with).await;
        self.note(&page);
    }

    async fn log_in_during<const N: usize>(&mut self, endpoint: Endpoint, fault: Fault, deviations: [Deviation; N]) {
        let mut faults = Faults { deviations: deviations.into(), ..Faults::default() };
        faults.next(endpoint, 1, fault);
        self.deployment.provider.standin.set_faults(faults);
        self.log_in().await;
    }
}
