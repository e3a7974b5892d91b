//! `STORE_URL`: where records and sessions are stored.

use std::path::{Path, PathBuf};

use redis::IntoConnectionInfo;
use secrecy::SecretString;

use crate::config::{
    diagnostic::Issue,
    env_reader::{EnvReader, Reported},
    mode::Mode,
    redis_url,
    variable::STORE_URL,
};

const FORMS: &str = "Write sqlite://path/to/file.db, redis://host:6379, rediss://host:6379, or memory: for a trial.";

/// Where records and sessions are stored.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// SQLite's in-memory database.
    Memory,
    /// A SQLite file, by absolute path.
    Sqlite(PathBuf),
    /// A `redis://` or `rediss://` URL, which may contain a password.
    Redis(SecretString),
}

impl StoreUrl {
    pub(super) fn read(reader: &mut EnvReader<'_>, mode: &Mode) -> Result<Self, Reported> {
        let base = reader.base();
        let value = reader.value_or_default(STORE_URL, "sqlite://videoask-auth.db")?;
        let store = reader.check(&value, |text| Self::parse(text, &base))?;
        if matches!((&store, mode), (Self::Memory, Mode::Keep(_))) {
            let message = "connections in memory are lost at every restart, and everyone has to log in again";
            reader.warn(&value, Issue::new(message, "Use sqlite:// or redis:// for anything but a trial."));
        }
        Ok(store)
    }

    fn parse(text: &str, base: &Path) -> Result<Self, Issue> {
        if text == "memory:" {
            Ok(Self::Memory)
        } else if let Some(path) = text.strip_prefix("sqlite://") {
            sqlite_path(path, base).map(Self::Sqlite)
        } else if let Some(rest) = text.strip_prefix("redis://").or_else(|| text.strip_prefix("rediss://")) {
            redis_url::check(rest)?;
            redis(text)
        } else {
            Err(Issue::new("it has none of the supported forms", FORMS))
        }
    }
}

fn sqlite_path(path: &str, base: &Path) -> Result<PathBuf, Issue> {
    if path.is_empty() || path.ends_with('/') {
        return Err(Issue::new("it names no file", FORMS));
    }
    if path == ":memory:" {
        return Err(Issue::new("the in-memory store is written differently", "Write memory: alone."));
    }
    if has_parameters(path) {
        return Err(Issue::new(
            "its path ends in parameters (?name=value), and a sqlite:// URL has none here",
            "Leave out the ? and what follows it. The app creates the file by itself.",
        ));
    }
    std::path::absolute(base.join(path))
        .map_err(|_| Issue::new("its path is relative, and the working directory cannot be read", FORMS))
}

/// Whether the path ends in URL parameters, which other SQLite libraries accept. A `?` alone may be part of a file
/// name.
fn has_parameters(path: &str) -> bool {
    path.rsplit_once('?').is_some_and(|(_, parameters)| {
        parameters.split('&').all(|parameter| {
            let (name, _) = parameter.split_once('=').unwrap_or_default();
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        })
    })
}

/// Checks the URL with the Redis client. The client's error is dropped, since it may quote the URL.
fn redis(text: &str) -> Result<StoreUrl, Issue> {
    match text.into_connection_info() {
        Ok(_) => Ok(StoreUrl::Redis(text.into())),
        Err(_) => Err(Issue::new("the Redis client does not accept it", redis_url::FORM)),
    }
}
