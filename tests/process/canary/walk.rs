//! A person who tries everything.

use std::collections::BTreeSet;

use reqwest::{Method, header::SET_COOKIE};
use standin::{Endpoint, Faults, Mishap, Quirk};
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

/// Where tokens are meant to be seen; the stand-in echoes what it was sent.
const PAIR: [&str; 6] =
    ["/tokens", "/tokens/export/env", "/tokens/export/json", "/api/token", "/oauth/token", "/proxy/echo"];

const QUIRKS: [Quirk; 22] = [
    Quirk::OpaqueAccessToken,
    Quirk::NoIdToken,
    Quirk::NoRefreshToken,
    Quirk::NoExpiresIn,
    Quirk::ExpiresInText,
    Quirk::NoAccessToken,
    Quirk::WrongIssuer,
    Quirk::WrongAudience,
    Quirk::WrongNonce,
    Quirk::ExpiredIdToken,
    Quirk::BrokenSignature,
    Quirk::Hs256,
    Quirk::NewSigningKey,
    Quirk::UnlistedSigningKey,
    Quirk::EmailUnverified,
    Quirk::StrictClient,
    Quirk::RefusePkce,
    Quirk::WrongSecretIsAccessDenied,
    Quirk::RefuseAccessTokens,
    Quirk::CallbackIssuer,
    Quirk::WrongCallbackIssuer,
    Quirk::WrongState,
];

pub(super) fn mishaps() -> Vec<Mishap> {
    vec![
        Mishap::Status { status: 500 },
        Mishap::Status { status: 401 },
        Mishap::Html { status: 200 },
        Mishap::Html { status: 502 },
        Mishap::TooManyRequests { reset_in: Some(60), retry_after: None },
        Mishap::Unauthorized,
        Mishap::Redirect,
        Mishap::HugeBody,
        Mishap::Cut,
        Mishap::CutHalfway,
        Mishap::ReplyLost,
    ]
}

/// What only the token endpoint can do: repeat what it was sent, and say nothing for longer than we wait.
pub(super) fn mishaps_of_the_token_endpoint() -> Vec<Mishap> {
    let error = |error: &str| Mishap::Error {
        status: 400,
        error: error.to_owned(),
        description: format!("you sent {CLIENT_SECRET}"),
    };
    vec![error("invalid_client"), error("invalid_grant"), error(CLIENT_SECRET), Mishap::HangAfter]
}

/// The walk, and all that there was to see on it.
pub struct Walk<'a> {
    pub(super) deployment: &'a Deployment,
    server: &'a Server,
    pub(super) browser: Browser,
    /// What was seen, and where.
    pub seen: Vec<(String, String)>,
    /// The pages that are meant to show the pair.
    pub shown: Vec<String>,
    pub secrets: Secrets,
}

impl<'a> Walk<'a> {
    pub fn new(deployment: &'a Deployment, server: &'a Server) -> Self {
        let (browser, secrets) = (server.browser(), super::canaries());
        Self { deployment, server, browser, seen: Vec::new(), shown: Vec::new(), secrets }
    }

    /// Keeps what a page of the app says, and the cookies it sets as secrets.
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

    /// Sends a secret in every header where one could be.
    async fn send(&mut self, method: Method, path: &str, body: Vec<u8>) {
        let url = format!("http://x.example/?code={CLIENT_SECRET}");
        let with = |request: reqwest::RequestBuilder| {
            let request = request.bearer_auth(CLIENT_SECRET).header("x-request-id", CLIENT_SECRET);
            // A body that the server does not read to its end costs the connection.
            request.header("referer", &url).header("origin", &url).header("connection", "close").body(body)
        };
        let page = self.browser.send(method, &self.browser.url(path), with).await;
        self.note(&page);
    }

    /// Goes to VideoAsk and gives the URL of the callback.
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

    /// Every route, also in ways that nobody of good will would try.
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

    /// Every way back from VideoAsk.
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

    /// Every mood that the provider can be in.
    pub async fn every_mood_of_the_provider(&mut self) {
        let standin = &self.deployment.provider.standin;
        for quirk in QUIRKS {
            standin.set_faults(Faults { quirks: BTreeSet::from([quirk]), ..Faults::default() });
            self.log_in().await;
            self.get("/tokens/forms").await;
        }
        for mishap in mishaps() {
            self.log_in_during(Endpoint::Token, mishap.clone(), []).await;
            self.log_in_during(Endpoint::Me, mishap, [Quirk::NoIdToken]).await;
        }
        for mishap in mishaps_of_the_token_endpoint() {
            self.log_in_during(Endpoint::Token, mishap, []).await;
        }
        let refusal = Mishap::Error { status: 400, error: "unauthorized".into(), description: "no".into() };
        self.log_in_during(Endpoint::Authorize, refusal, []).await;
        standin.set_faults(Faults::default());
        self.log_in().await;
        for mishap in mishaps() {
            standin.change_faults(|faults| faults.next(Endpoint::Forms, 1, mishap));
            self.get("/tokens/forms").await;
        }
    }

    /// Both buttons of the token page, whatever VideoAsk answers.
    pub async fn every_button(&mut self) {
        let standin = &self.deployment.provider.standin;
        for mishap in mishaps().into_iter().chain(mishaps_of_the_token_endpoint()) {
            self.log_in().await;
            standin.change_faults(|faults| faults.next(Endpoint::Token, 2, mishap));
            self.press("/tokens/refresh").await;
            standin.set_faults(Faults::default());
        }
        for mishap in mishaps() {
            self.log_in().await;
            standin.change_faults(|faults| faults.next(Endpoint::Revoke, 1, mishap));
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

    async fn log_in_during<const N: usize>(&mut self, endpoint: Endpoint, mishap: Mishap, quirks: [Quirk; N]) {
        let mut faults = Faults { quirks: quirks.into(), ..Faults::default() };
        faults.next(endpoint, 1, mishap);
        self.deployment.provider.standin.set_faults(faults);
        self.log_in().await;
    }
}
