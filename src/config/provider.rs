//! The OAuth client, and the authorization server it talks to.

use std::time::Duration;

use oauth2::ClientSecret;
use url::Url;

use crate::config::{
    app_url::AppUrl,
    duration,
    finding::Fault,
    mode::Mode,
    reader::{Reader, Reported},
    scopes,
    variable::{AUDIENCE, CLIENT_ID, CLIENT_SECRET, EXCHANGE_TIMEOUT, ISSUER, PKCE, VIDEOASK_AUTH_URL},
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
    /// `EXCHANGE_TIMEOUT`: one exchange in all.
    pub exchange_timeout: Duration,
    /// `VIDEOASK_AUTH_URL`, without a trailing slash in its path (a bare origin keeps the one that a URL always has).
    pub auth_url: Url,
    /// `AUDIENCE`.
    pub audience: String,
    /// `ISSUER`, exactly as id_tokens must name it.
    pub issuer: String,
}

/// Whether the login proves itself by RFC 7636.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// S256, always.
    On,
    /// For a tenant that refuses it.
    Off,
}

impl ProviderConfig {
    /// Reads every variable before it gives up on any. `app_url` is another section's, and already reported if wrong.
    pub(super) fn read(
        reader: &mut Reader<'_>,
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
            callback: app_url?.callback(),
            scopes: scopes?,
            pkce: pkce?,
            exchange_timeout: exchange_timeout?,
            audience: audience?,
            issuer: issuer?.unwrap_or_else(|| issuer_of(&auth_url)),
            auth_url,
        })
    }
}

impl Pkce {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Reported> {
        let value = reader.value_or_default(PKCE, "on")?;
        let pkce = reader.check(&value, Self::parse)?;
        if pkce == Self::Off {
            let wrong = "every login needs an id_token now, because without PKCE only that protects a login from a \
                         stolen code; a login without one is refused";
            reader.warn(&value, Fault::new(wrong, "Set PKCE=on, unless VideoAsk rejects PKCE for your app."));
        }
        Ok(pkce)
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            _ => Err(Fault::new("it is neither on nor off", "Write on, or off for a tenant that refuses PKCE.")),
        }
    }
}

/// RFC 6749 allows more, but what has a space or a quote in it was not copied as VideoAsk shows it.
fn parse_credential(text: &str) -> Result<String, Fault> {
    let is_odd = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    if text.contains(is_odd) {
        return Err(Fault::new("it has a space, a quote or another character that none has", DEVELOPER_APP));
    }
    Ok(text.to_owned())
}

fn parse_timeout(text: &str) -> Result<Duration, Fault> {
    const RANGE: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);
    let timeout = duration::parse(text).map_err(|error| Fault::new(error.to_string(), "Write it like 10s."))?;
    if !RANGE.contains(&timeout) {
        return Err(Fault::new("it is not within 1 s and 60 s", "Write it like 10s."));
    }
    Ok(timeout)
}

/// A URL that is compared or sent as it stands, so not even a slash of it is changed.
fn parse_identifier(text: &str) -> Result<String, Fault> {
    web_url::parse(text).map(|_| text.to_owned())
}

fn issuer_of(auth_url: &Url) -> String {
    format!("{}/", auth_url.as_str().trim_end_matches('/'))
}
