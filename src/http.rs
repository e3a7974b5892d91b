//! The only builder of HTTP clients, and the only reader of their bodies.
//!
//! No client of ours follows a redirect, since that could send a secret to another host.

use std::{sync::OnceLock, time::Duration};

use bytes::{Bytes, BytesMut};
use oauth2::AccessToken;
use reqwest::{
    Client, ClientBuilder, Response,
    header::{HeaderMap, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use url::Url;

use crate::config::is_loopback;

/// The largest body that is read, in bytes.
pub(crate) const BODY_LIMIT: usize = 1 << 20;

const USER_AGENT: &str = concat!("videoask-auth/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an idle connection is kept: shorter than common servers and load balancers do, so that a request is rarely sent
/// on a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(5);
const API_TIMEOUT: Duration = Duration::from_secs(30);
/// Connecting times out this much earlier than the whole exchange, so that "nothing was sent" is known.
const HEADROOM: Duration = Duration::from_millis(100);
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);
const MAX_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

/// An HTTP client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Because of TLS.
    #[error("no HTTP client could be built; are the system's CA certificates installed (package ca-certificates)?")]
    Tls(#[source] rustls::Error),
    /// Because of anything else.
    #[error("no HTTP client could be built")]
    Client(#[source] reqwest::Error),
}

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is longer than the limit.
    #[error("the response is too large")]
    TooLarge,
    /// The connection ended, or time ran out, before the body did.
    #[error("the response was cut off")]
    Interrupted(#[source] reqwest::Error),
}

/// Whether a request may use a connection that an earlier one left open.
///
/// If the server closes such a connection at that moment, nobody knows whether it has read the request. hyper opens
/// another connection where it has written nothing yet, and never repeats what it has started to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connections {
    /// It may not. For a refresh: with rotation, its token may be spent, and the user's connection lost.
    Fresh,
    /// It may. For a code: at worst, its user logs in again. In a burst of logins, each saves a TLS handshake.
    Kept,
}

/// A client for the authorization server. `exchange_timeout` limits a whole request.
pub(crate) fn provider_client(
    exchange_timeout: Duration,
    target: &Url,
    connections: Connections,
) -> Result<Client, BuildError> {
    let connect = CONNECT_TIMEOUT.min(exchange_timeout.saturating_sub(HEADROOM));
    let client = builder(target)?.connect_timeout(connect).timeout(exchange_timeout).retry(reqwest::retry::never());
    let client = match connections {
        Connections::Fresh => client.pool_max_idle_per_host(0),
        Connections::Kept => client,
    };
    client.build().map_err(BuildError::Client)
}

/// The client for single calls of VideoAsk's API, each limited to 30 s.
pub(crate) fn api_client(target: &Url) -> Result<Client, BuildError> {
    builder(target)?.connect_timeout(CONNECT_TIMEOUT).timeout(API_TIMEOUT).build().map_err(BuildError::Client)
}

/// The client for streams. Only connecting is limited, since a body may take any time.
pub(crate) fn streaming_client(target: &Url) -> Result<Client, BuildError> {
    let client = builder(target)?
        .connect_timeout(CONNECT_TIMEOUT)
        // The caller decides whether a request is sent twice.
        .retry(reqwest::retry::never());
    client.build().map_err(BuildError::Client)
}

/// The client for `NOTIFY_URL`, limited to 5 s. The notifier decides about each try.
pub(crate) fn notify_client(target: &Url) -> Result<Client, BuildError> {
    let client = builder(target)?
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(NOTIFY_TIMEOUT)
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never());
    client.build().map_err(BuildError::Client)
}

/// The client for `healthcheck`. The response comes from this machine, so it comes quickly or not at all.
pub(crate) fn health_client(target: &Url) -> Result<Client, BuildError> {
    builder(target)?.no_proxy().timeout(HEALTH_TIMEOUT).build().map_err(BuildError::Client)
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

/// The value of `Authorization` with this token.
///
/// # Panics
/// Never: no token is accepted that does not fit into this header.
pub(crate) fn bearer(token: &AccessToken) -> HeaderValue {
    let value = HeaderValue::try_from(format!("Bearer {}", token.secret()));
    let mut value = value.expect("no token is accepted that does not fit into this header");
    value.set_sensitive(true);
    value
}

/// `base` with `path`, which begins with a slash, below its own path.
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
fn builder(target: &Url) -> Result<ClientBuilder, BuildError> {
    let builder = Client::builder()
        .tls_backend_preconfigured(tls()?)
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .pool_idle_timeout(IDLE_TIMEOUT);
    // A proxy of the system could not reach our own loopback, and must not see what is sent there.
    Ok(if is_loopback(target) { builder.no_proxy() } else { builder })
}

/// The TLS configuration that all clients share. reqwest would read the system's CA certificates again for each client,
/// which takes longer than the rest of a start.
fn tls() -> Result<ClientConfig, BuildError> {
    static TLS: OnceLock<Result<ClientConfig, rustls::Error>> = OnceLock::new();
    TLS.get_or_init(|| {
        let builder = ClientConfig::builder_with_provider(ring::default_provider().into());
        let mut config = builder.with_safe_default_protocol_versions()?.with_platform_verifier()?.with_no_client_auth();
        config.alpn_protocols = vec!["http/1.1".into()];
        Ok(config)
    })
    .clone()
    .map_err(BuildError::Tls)
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
