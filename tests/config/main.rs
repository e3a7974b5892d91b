//! The configuration as operators use it: which values are accepted, which are refused, and with which messages.

mod a_secret_file;
mod allowed_users;
mod api_keys;
mod app_url;
mod dotenv;
mod dotenv_readers;
mod express_session;
mod listen;
mod login_lifetime;
mod notify_url;
mod problems;
mod properties;
mod provider;
mod scopes;
mod store_url;
mod telemetry;
mod the_document;
mod the_example;
mod the_five_variables_of_glitch;
mod values;

use std::{path::Path, time::Duration};

use secrecy::ExposeSecret;
use tempfile::TempDir;
use videoask_auth::config::{
    AllowedUsers, Config, ConfigError, Diagnostic, EnvFile, EnvLookup, Environment, Listen, Loaded, LogFormat, Mode,
    Pkce, StoreUrl, TelemetryConfig, VARIABLES, ValueSource, duration,
};

const GLITCH: [(&str, &str); 5] = [
    ("CLIENT_ID", "the-client-id"),
    ("CLIENT_SECRET", "canary-client-secret"),
    ("APP_URL", "https://tokens.example.com"),
    ("SCOPES", "openid,profile,email,offline_access"),
    ("EXPRESS_SESSION", "0123456789abcdef0123456789abcdef"),
];
const KEY: &str = "an-api-key-of-more-than-32-characters";

/// The five variables of a Glitch app, with some changed or added.
fn pairs<'a>(changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = GLITCH.into_iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    kept.chain(changed.iter().copied()).collect()
}

fn loaded(changed: &[(&str, &str)]) -> Loaded {
    Config::from_pairs(pairs(changed)).unwrap_or_else(|problems| panic!("{changed:?}: {problems}"))
}

fn config(changed: &[(&str, &str)]) -> Config {
    loaded(changed).config
}

fn refused(changed: &[(&str, &str)]) -> ConfigError {
    Config::from_pairs(pairs(changed)).err().unwrap_or_else(|| panic!("{changed:?} is not refused"))
}

/// The five variables of a Glitch app without this one.
fn without(name: &str) -> Vec<(&'static str, &'static str)> {
    GLITCH.into_iter().filter(|(other, _)| *other != name).collect()
}

/// The one problem that these settings have.
fn problem(changed: &[(&str, &str)]) -> Diagnostic {
    only(&refused(changed))
}

fn only(problems: &ConfigError) -> Diagnostic {
    let [problem] = problems.problems() else { panic!("not one problem: {problems}") };
    problem.clone()
}

/// The one warning that these settings have.
fn warning(changed: &[(&str, &str)]) -> Diagnostic {
    let warnings = loaded(changed).warnings;
    let [warning] = warnings.as_slice() else { panic!("not one warning: {warnings:?}") };
    warning.clone()
}

/// Asserts that each of these values of a variable is refused, with a message about that variable.
fn assert_refused(name: &str, values: &[&str]) {
    for value in values {
        assert_eq!(about(&problem(&[(name, value)])), name, "{value:?}");
    }
}

fn about(finding: &Diagnostic) -> &'static str {
    finding.variable().map_or("", |variable| variable.name())
}

/// A folder with this text as its `.env`.
fn folder(env: impl AsRef<[u8]>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), env).unwrap();
    folder
}

fn load_in(folder: &Path, environment: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    Config::load(&environment.iter().copied().collect(), &EnvFile::In(folder.to_owned()))
}

/// The `CLIENT_ID` that one `.env` line sets, while all other variables are valid.
fn client_id_by(line: &str) -> Result<String, Diagnostic> {
    let folder = folder(format!("{line}\n"));
    let environment = without("CLIENT_ID");
    match load_in(folder.path(), &environment) {
        Ok(loaded) => Ok(loaded.config.provider.client_id),
        Err(problems) => Err(only(&problems)),
    }
}
