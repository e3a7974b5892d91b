//! What the operator decided: the environment, over `.env`, checked as a whole before anything starts.

use std::{path::PathBuf, time::Duration};

use oauth2::ClientSecret;
use secrecy::SecretString;
use url::Url;

/// Everything, in sections; each constructor takes its own.
#[derive(Debug)]
pub struct Config {
    /// `APP_URL`.
    pub app_url: AppUrl,
    /// `HOST` and `PORT`.
    pub listen: Listen,
    /// `ALLOWED_USERS` decides it.
    pub mode: Mode,
    /// `EXPRESS_SESSION` and `EXPRESS_SESSION_PREVIOUS`.
    pub secrets: Secrets,
    /// `STORE_URL`.
    pub store: StoreUrl,
    /// The OAuth client's side.
    pub provider: ProviderConfig,
    /// VideoAsk's API.
    pub api: ApiConfig,
    /// `API_KEY`: empty means that the machine routes do not exist.
    pub api_keys: Vec<SecretString>,
    /// `RUST_LOG` and `LOG_FORMAT`.
    pub telemetry: TelemetryConfig,
}

/// The public origin: https, or http on a loopback host; no path, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppUrl(Url);

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// `HOST`: an address or a name.
    pub host: String,
    /// `PORT`; 0 lets the system choose.
    pub port: u16,
}

/// Who may log in, and whose refresh token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Anyone with a VideoAsk login; the pair belongs to the person and is never refreshed behind their back.
    Mint,
    /// Only the listed users; this app holds and refreshes their tokens.
    Keep(AllowedUsers),
}

/// `ALLOWED_USERS`, never empty: e-mails, `user_id`s or `sub`s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedUsers(Vec<String>);

/// The secrets all keys are derived from.
#[derive(Debug)]
pub struct Secrets {
    /// `EXPRESS_SESSION`.
    pub current: SecretString,
    /// `EXPRESS_SESSION_PREVIOUS`.
    pub previous: Vec<SecretString>,
}

/// Where records and sessions lie.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// SQLite's in-memory database.
    Memory,
    /// A SQLite file, by absolute path.
    Sqlite(PathBuf),
    /// A `redis://` or `rediss://` URL, which may hold a password.
    Redis(SecretString),
}

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

/// VideoAsk's API.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// `VIDEOASK_API_URL`; may have a base path.
    pub url: Url,
    /// `ORGANIZATION_ID`, sent as the header `organization-id`.
    pub organization_id: Option<String>,
}

/// How the program logs.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// `RUST_LOG`, as `tracing_subscriber`'s `Targets` reads it.
    pub filter: String,
    /// `LOG_FORMAT`.
    pub format: LogFormat,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl AppUrl {
    /// The URL of one of this app's own routes; `path` begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }

    /// The origin as browsers send it in `Origin`, such as `https://tokens.example.com`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The callback to register in VideoAsk's developer settings.
    #[must_use]
    pub fn callback(&self) -> Url {
        self.join("/auth/videoask/callback")
    }

    /// Whether browsers come by https: decides `Secure`, `__Host-` and HSTS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL itself.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl AllowedUsers {
    /// The entries, in order; the first is the default user.
    #[must_use]
    pub fn entries(&self) -> &[String] {
        &self.0
    }
}
