//! The only builder of HTTP clients, and the only reader of their bodies.
//!
//! No client of ours follows a redirect: each would carry a secret to wherever the answer points.

use std::{sync::Once, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, ClientBuilder, Response,
    header::{HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use url::Url;

use crate::config::is_loopback;

/// The most that is read of any answer.
pub(crate) const BODY_LIMIT: usize = 1 << 20;

const USER_AGENT: &str = concat!("videoask-auth/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Shorter than the servers and load balancers in use keep a connection, so that a request rarely meets one that is
/// being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(5);
const API_TIMEOUT: Duration = Duration::from_secs(30);
/// Connecting gives up this much before the exchange does, so that "nothing was sent" is told as such.
const HEADROOM: Duration = Duration::from_millis(100);
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// No client could be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client could be built; are the system's CA certificates installed (package ca-certificates)?")]
pub struct BuildError(#[source] reqwest::Error);

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than the limit.
    #[error("the answer is too large")]
    TooLarge,
    /// The connection ended, or time ran out, before the body did.
    #[error("the answer was cut off")]
    Interrupted(#[source] reqwest::Error),
}

/// The client for the authorization server: `exchange_timeout` is for one request in all.
pub(crate) fn provider_client(exchange_timeout: Duration, target: &Url) -> Result<Client, BuildError> {
    let connect = CONNECT_TIMEOUT.min(exchange_timeout.saturating_sub(HEADROOM));
    let client = builder(target)
        .connect_timeout(connect)
        .timeout(exchange_timeout)
        // A request on a kept connection that the other side has just closed has an unknown outcome,
        // and a spent code or refresh token is too dear for that. A login is rare enough for a new connection.
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never());
    client.build().map_err(BuildError)
}

/// The client for single calls of VideoAsk's API: 30 s in all.
pub(crate) fn api_client(target: &Url) -> Result<Client, BuildError> {
    builder(target).connect_timeout(CONNECT_TIMEOUT).timeout(API_TIMEOUT).build().map_err(BuildError)
}

/// The client for what streams through: bodies may take as long as they move, so only connecting has a limit here.
pub(crate) fn streaming_client(target: &Url) -> Result<Client, BuildError> {
    let client = builder(target)
        .connect_timeout(CONNECT_TIMEOUT)
        // Whether anything is sent twice is not for the client to say.
        .retry(reqwest::retry::never());
    client.build().map_err(BuildError)
}

/// The client for `NOTIFY_URL`: 5 s in all. Every try is the notifier's decision.
pub fn notify_client(target: &Url) -> Result<Client, BuildError> {
    let client = builder(target)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(NOTIFY_TIMEOUT)
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never());
    client.build().map_err(BuildError)
}

/// The client for `healthcheck`: the answer comes from this machine, at once or not at all.
pub(crate) fn health_client(target: &Url) -> Result<Client, BuildError> {
    builder(target).no_proxy().timeout(HEALTH_TIMEOUT).build().map_err(BuildError)
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(mut response: Response, limit: usize) -> Result<Bytes, ReadError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| ReadError::Interrupted(error.without_url()))? {
        if body.len() + chunk.len() > limit {
            return Err(ReadError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// `base` with `path`, which begins with a slash, below its own path.
#[must_use]
pub(crate) fn endpoint(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

/// The wait that `Retry-After` (seconds or a date) asks for, else `X-RateLimit-Reset` (Unix seconds); from 1 s to 15 min.
pub fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let until = |moment: OffsetDateTime| Duration::try_from(moment - now).unwrap_or_default();
    let header = text(RETRY_AFTER.as_str())
        .and_then(|value| value.parse().map(Duration::from_secs).ok().or_else(|| http_date(value).map(until)));
    let reset = || {
        let seconds = text("x-ratelimit-reset")?.parse().ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok().map(until)
    };
    header.or_else(reset).map(|wait| wait.clamp(MIN_RETRY_AFTER, MAX_RETRY_AFTER))
}

/// A date as HTTP writes it (RFC 9110, section 5.6.7).
pub(crate) fn http_date(value: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value, &Rfc2822).ok()
}

#[expect(clippy::disallowed_methods, reason = "this module is the one builder of HTTP clients")]
fn builder(target: &Url) -> ClientBuilder {
    install_crypto();
    let builder = Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).pool_idle_timeout(IDLE_TIMEOUT);
    // A proxy of the system could not reach our own loopback, and must not see what is sent there.
    if is_loopback(target) { builder.no_proxy() } else { builder }
}

fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the process has one already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_keeps_the_base_path() {
        let url = |text: &str| Url::parse(text).expect("a valid URL");
        assert_eq!(endpoint(&url("https://a.example"), "/me").as_str(), "https://a.example/me");
        assert_eq!(endpoint(&url("https://a.example/base"), "/me").as_str(), "https://a.example/base/me");
    }
}
