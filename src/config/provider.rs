//! The OAuth client, and the authorization server that it talks to.

use std::time::Duration;

use oauth2::ClientSecret;
use url::Url;

use crate::config::{
    app_url::AppUrl,
    diagnostic::Issue,
    duration,
    env_reader::{EnvReader, Reported},
    mode::Mode,
    pkce::Pkce,
    scopes,
    variable::{AUDIENCE, CLIENT_ID, CLIENT_SECRET, EXCHANGE_TIMEOUT, ISSUER, VIDEOASK_AUTH_URL},
    web_url,
};

const DEVELOPER_APP: &str = "Copy it from your developer app in VideoAsk's settings.";

/// The OAuth client and the authorization server it talks to.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// `CLIENT_ID`.
    pub client_id: String,
    /// `CLIENT_SECRET`.
    pub client_secret: ClientSecret,
    /// `APP_URL` + `/auth/videoask/callback`.
    pub callback: Url,
    /// `SCOPES`, in the order given.
    pub scopes: Vec<String>,
    /// `PKCE`.
    pub pkce: Pkce,
    /// `EXCHANGE_TIMEOUT`: the time limit of one whole exchange.
    pub exchange_timeout: Duration,
    /// `VIDEOASK_AUTH_URL`, without a trailing slash in its path (a bare origin keeps the one that a URL always has).
    pub auth_url: Url,
    /// `AUDIENCE`.
    pub audience: String,
    /// `ISSUER`, exactly as id_tokens must name it.
    pub issuer: String,
}

impl ProviderConfig {
    /// Reads every variable before it returns an error. `app_url` comes from its own section, which has reported its
    /// problems.
    pub(super) fn read(
        reader: &mut EnvReader<'_>,
        mode: &Mode,
        app_url: Result<&AppUrl, Reported>,
    ) -> Result<Self, Reported> {
        let client_id = reader.required(CLIENT_ID, DEVELOPER_APP, parse_credential);
        let client_secret = reader.required(CLIENT_SECRET, DEVELOPER_APP, parse_credential).map(ClientSecret::new);
        let pkce = Pkce::read(reader);
        let scopes = scopes::read(reader, mode, pkce);
        let exchange_timeout = reader.or_default(EXCHANGE_TIMEOUT, "10s", parse_timeout);
        let auth_url = reader.or_default(VIDEOASK_AUTH_URL, "https://auth.videoask.com", web_url::parse);
        let auth_url = auth_url.map(web_url::without_trailing_slash);
        let audience = reader.or_default(AUDIENCE, "https://api.videoask.com/", parse_identifier);
        let issuer = reader.optional(ISSUER, parse_identifier);
        let auth_url = auth_url?;
        Ok(Self {
            client_id: client_id?,
            client_secret: client_secret?,
            callback: app_url?.callback().clone(),
            scopes: scopes?,
            pkce: pkce?,
            exchange_timeout: exchange_timeout?,
            audience: audience?,
            issuer: issuer?.unwrap_or_else(|| issuer_of(&auth_url)),
            auth_url,
        })
    }
}

/// Parses the client id or secret. RFC 6749 allows more characters, but VideoAsk issues no credential with a space, a
/// quote or an angle bracket in it.
fn parse_credential(text: &str) -> Result<String, Issue> {
    let is_odd = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    if text.contains(is_odd) {
        return Err(Issue::new(
            "it has a space, a quote or another character that VideoAsk does not use",
            DEVELOPER_APP,
        ));
    }
    Ok(text.to_owned())
}

fn parse_timeout(text: &str) -> Result<Duration, Issue> {
    const RANGE: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
    let timeout = duration::parse(text).map_err(|error| Issue::new(error.to_string(), "Write it like 10s."))?;
    if !RANGE.contains(&timeout) {
        return Err(Issue::new("it is not between 1 s and 60 s", "Write it like 10s."));
    }
    Ok(timeout)
}

/// A URL that is compared or sent exactly as written, so not even a trailing slash is dropped.
fn parse_identifier(text: &str) -> Result<String, Issue> {
    web_url::parse(text).map(|_| text.to_owned())
}

fn issuer_of(auth_url: &Url) -> String {
    format!("{}/", auth_url.as_str().trim_end_matches('/'))
}
