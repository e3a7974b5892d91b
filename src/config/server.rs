//! `VIDEOASK_AUTH_SERVER` and `VIDEOASK_AUTH_API_KEY`: the server that a command on another machine asks for tokens.

use secrecy::SecretString;
use url::Url;

use crate::config::{
    api_keys::is_bearer_token,
    diagnostic::{ConfigError, Issue},
    env_file::EnvFile,
    env_reader::{EnvReader, Reported},
    environment::Environment,
    telemetry::TelemetryConfig,
    variable::{VIDEOASK_AUTH_API_KEY, VIDEOASK_AUTH_SERVER},
    web_url,
};

/// How to ask a server on another machine for tokens. This is read from the environment and the option `--server`, and
/// never from a `.env`.
#[derive(Debug)]
pub(crate) struct ServerConfig {
    /// The server's `APP_URL`.
    pub url: Url,
    /// One of its API keys.
    pub api_key: SecretString,
    /// `RUST_LOG` and `LOG_FORMAT`.
    pub telemetry: TelemetryConfig,
}

impl ServerConfig {
    /// The server that `option` names, or else the one that the variable names; `None` if neither is set.
    pub(crate) fn load(environment: &Environment, option: Option<Url>) -> Result<Option<Self>, ConfigError> {
        let mut reader = EnvReader::new(environment, &EnvFile::None);
        let url = option.map_or_else(|| reader.optional(VIDEOASK_AUTH_SERVER, parse), |url| Ok(Some(url)));
        let Some(url) = url.transpose() else { return Ok(None) };
        let read = Self::read(&mut reader, url);
        reader.finish(read).map(|read| Some(read.value))
    }

    /// Parses the value of `--server`, by the rules of the variable.
    pub(crate) fn parse_option(text: &str) -> Result<Url, String> {
        parse(text).map_err(|issue| issue.to_string())
    }

    fn read(reader: &mut EnvReader<'_>, url: Result<Url, Reported>) -> Result<Self, Reported> {
        const FIX: &str = "Set it to an API key of the server: `videoask-auth key add NAME` makes one there.";
        let api_key = reader.required(VIDEOASK_AUTH_API_KEY, FIX, parse_key);
        let telemetry = TelemetryConfig::read(reader);
        Ok(Self { url: url?, api_key: api_key?, telemetry: telemetry? })
    }
}

fn parse(text: &str) -> Result<Url, Issue> {
    let url = web_url::parse(text)?;
    if url.path() != "/" {
        let origin = url.origin().ascii_serialization();
        return Err(Issue::new("it has a path, and a server of this app has none", format!("Write {origin} alone.")));
    }
    Ok(url)
}

fn parse_key(text: &str) -> Result<SecretString, Issue> {
    if !is_bearer_token(text) {
        let fix = "Copy the key again, alone and whole.";
        return Err(Issue::new("it has a character that no API key has", fix));
    }
    Ok(text.into())
}
