//! `STORE_URL`: where records and sessions lie.

use std::path::{Path, PathBuf};

use redis::IntoConnectionInfo;
use secrecy::SecretString;

use crate::config::{
    finding::Fault,
    mode::Mode,
    reader::{Reader, Reported},
    redis_url,
    variable::STORE_URL,
};

const FORMS: &str = "Write sqlite://path/to/file.db, redis://host:6379, rediss://host:6379, or memory: for a trial.";

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

impl StoreUrl {
    pub(super) fn read(reader: &mut Reader<'_>, mode: &Mode) -> Result<Self, Reported> {
        let base = reader.base();
        let value = reader.value_or_default(STORE_URL, "sqlite://videoask-auth.db")?;
        let store = reader.check(&value, |text| Self::parse(text, &base))?;
        if matches!((&store, mode), (Self::Memory, Mode::Keep(_))) {
            let wrong = "what is kept in memory is lost at every restart, and everybody has to log in again";
            reader.warn(&value, Fault::new(wrong, "Use sqlite:// or redis:// for anything but a trial."));
        }
        Ok(store)
    }

    fn parse(text: &str, base: &Path) -> Result<Self, Fault> {
        if text == "memory:" {
            Ok(Self::Memory)
        } else if let Some(path) = text.strip_prefix("sqlite://") {
            sqlite_path(path, base).map(Self::Sqlite)
        } else if let Some(rest) = text.strip_prefix("redis://").or_else(|| text.strip_prefix("rediss://")) {
            redis_url::check(rest)?;
            redis(text)
        } else {
            Err(Fault::new("it has none of the known forms", FORMS))
        }
    }
}

fn sqlite_path(path: &str, base: &Path) -> Result<PathBuf, Fault> {
    if path.is_empty() || path.ends_with('/') {
        return Err(Fault::new("it names no file", FORMS));
    }
    if path == ":memory:" {
        return Err(Fault::new("the in-memory store has a form of its own", "Write memory: alone."));
    }
    if has_parameters(path) {
        return Err(Fault::new(
            "its path ends in parameters (?name=value), and a sqlite:// URL has none here",
            "Leave out the ? and what follows it. The app creates the file by itself.",
        ));
    }
    std::path::absolute(base.join(path))
        .map_err(|_| Fault::new("its path is relative, and the working directory cannot be told", FORMS))
}

/// A file name may contain a `?`. What follows it as in a URL is a parameter of another program's SQLite library.
fn has_parameters(path: &str) -> bool {
    path.rsplit_once('?').is_some_and(|(_, parameters)| {
        parameters.split('&').all(|parameter| {
            let (name, _) = parameter.split_once('=').unwrap_or_default();
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        })
    })
}

/// The crate's error is dropped: it may quote the URL.
fn redis(text: &str) -> Result<StoreUrl, Fault> {
    match text.into_connection_info() {
        Ok(_) => Ok(StoreUrl::Redis(text.into())),
        Err(_) => Err(Fault::new("the Redis client does not accept it", redis_url::FORM)),
    }
}
