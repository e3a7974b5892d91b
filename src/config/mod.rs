//! The configuration, read from the environment and `.env`, and checked as a whole before anything starts.
//!
//! Each section reads its own variables through one `EnvReader`, which finds the values and collects the problems, so
//! that all of them are reported at once. No message contains the value of a secret. White space around a value is
//! dropped, and an empty value counts as unset.

mod allowed_users;
mod api;
mod api_keys;
mod app_url;
mod diagnostic;
pub mod duration;
mod encoding;
mod env_file;
mod env_line;
mod env_lookup;
mod env_reader;
mod environment;
mod list;
mod listen;
mod log_filter;
mod login_lifetime;
mod max_connections;
mod misspelling;
mod mode;
mod notify_url;
mod pkce;
mod placeholder;
mod provider;
mod redis_url;
mod scopes;
mod secrets;
mod server;
mod store_url;
mod telemetry;
mod user_entry;
mod variable;
mod weak_secret;
mod web_url;

use std::num::NonZeroUsize;

use env_reader::{EnvReader, Reported};
use secrecy::SecretString;

pub use self::{
    allowed_users::AllowedUsers,
    api::ApiConfig,
    diagnostic::{ConfigError, Diagnostic, ValueSource},
    env_file::EnvFile,
    env_lookup::EnvLookup,
    environment::Environment,
    listen::Listen,
    login_lifetime::LoginLifetime,
    mode::Mode,
    notify_url::NotifyUrl,
    pkce::Pkce,
    provider::ProviderConfig,
    store_url::StoreUrl,
    telemetry::{LogFormat, TelemetryConfig},
    variable::VARIABLES,
};
pub(crate) use self::{
    app_url::AppUrl, diagnostic::ProblemCount, secrets::Secrets, server::ServerConfig, variable::CLIENT_VARIABLES,
    web_url::is_loopback,
};

/// The whole configuration, in sections. Each constructor takes its own section.
#[derive(Debug)]
pub struct Config {
    /// `APP_URL`.
    pub app_url: AppUrl,
    /// `HOST` and `PORT`.
    pub listen: Listen,
    /// The mode, which follows from `ALLOWED_USERS`.
    pub mode: Mode,
    /// `EXPRESS_SESSION` and `EXPRESS_SESSION_PREVIOUS`.
    pub secrets: Secrets,
    /// `STORE_URL`.
    pub store: StoreUrl,
    /// The OAuth client and the authorization server.
    pub provider: ProviderConfig,
    /// VideoAsk's API.
    pub api: ApiConfig,
    /// The keys in `API_KEY`; empty if it is not set. Keys that the command `key add` created are in the store.
    pub api_keys: Vec<SecretString>,
    /// `NOTIFY_URL`, if it is set.
    pub notify_url: Option<NotifyUrl>,
    /// `REFRESH_TOKEN_LIFETIME`.
    pub login_lifetime: LoginLifetime,
    /// `MAX_CONNECTIONS`, if it is set.
    pub max_connections: Option<NonZeroUsize>,
    /// `RUST_LOG` and `LOG_FORMAT`.
    pub telemetry: TelemetryConfig,
}

/// A configuration without problems, and its warnings.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What should be fixed, but does not prevent the start.
    pub warnings: Vec<Diagnostic>,
    /// Which `.env` was looked for, and whether it was read.
    pub env_file: EnvLookup,
}

impl Config {
    /// Reads and checks every variable.
    pub fn load(environment: &Environment, env_file: &EnvFile) -> Result<Loaded, ConfigError> {
        let mut reader = EnvReader::new(environment, env_file);
        let config = Self::read(&mut reader);
        let read = reader.finish(config)?;
        Ok(Loaded { config: read.value, warnings: read.warnings, env_file: read.env_file })
    }

    /// Loads a configuration from pairs of name and value, with the same checks. It is for the demo and for tests.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Loaded, ConfigError> {
        Self::load(&pairs.into_iter().collect(), &EnvFile::None)
    }

    fn read(reader: &mut EnvReader<'_>) -> Result<Self, Reported> {
        let mode = Mode::read(reader);
        let app_url = AppUrl::read(reader);
        let listen = Listen::read(reader);
        if let (Ok(app_url), Ok(listen)) = (&app_url, &listen) {
            listen.warn_of_unreachable(reader, app_url)?;
        }
        let secrets = Secrets::read(reader, &mode);
        let store = StoreUrl::read(reader, &mode);
        let provider = ProviderConfig::read(reader, &mode, app_url.as_ref().map_err(|reported| *reported));
        let api = ApiConfig::read(reader);
        let api_keys = api_keys::read(reader, &mode, &other_secrets(&secrets, &provider));
        let notify_url = NotifyUrl::read(reader, &mode);
        let login_lifetime = LoginLifetime::read(reader);
        let max_connections = max_connections::read(reader);
        let telemetry = TelemetryConfig::read(reader);
        Ok(Self {
            app_url: app_url?,
            listen: listen?,
            mode,
            secrets: secrets?,
            store: store?,
            provider: provider?,
            api: api?,
            api_keys: api_keys?,
            notify_url: notify_url?,
            login_lifetime: login_lifetime?,
            max_connections: max_connections?,
            telemetry: telemetry?,
        })
    }
}

/// The secrets that no API key may repeat, as far as they could be read.
fn other_secrets<'a>(
    secrets: &'a Result<Secrets, Reported>,
    provider: &'a Result<ProviderConfig, Reported>,
) -> Vec<&'a str> {
    let client_secret = provider.as_ref().ok().map(|provider| provider.client_secret.secret().as_str());
    secrets.iter().flat_map(Secrets::texts).chain(client_secret).collect()
}
