use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::{Place, Reason, Said, StoreError};

/// Whether a fresh connection may do better: the old one is broken, silent, without rights, or led to a replica.
pub(super) fn of_the_connection(error: &RedisError) -> bool {
    error.is_io_error()
        || matches!(error.kind(), ErrorKind::Parse | ErrorKind::Server(ServerErrorKind::ReadOnly))
        || error.code() == Some("NOAUTH")
}

/// What an error of Redis means to whoever runs this program.
pub(super) fn describe(at: &Place, error: &RedisError) -> StoreError {
    let (at, source) = (at.clone(), Said::new(error));
    match error.kind() {
        ErrorKind::Io => StoreError::Unavailable { at, reason: silence(error), source: Some(source.into()) },
        ErrorKind::AuthenticationFailed => StoreError::AccessRefused { at },
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreError::Damaged { at, source: source.into() },
        _ => answered(at, error.code(), source),
    }
}

fn silence(error: &RedisError) -> Reason {
    if error.is_timeout() {
        Reason::TimedOut
    } else if error.is_connection_dropped() && !error.is_connection_refusal() {
        Reason::Disconnected
    } else {
        Reason::Unreachable
    }
}

/// By the code that an error reply begins with.
fn answered(at: Place, code: Option<&str>, source: Said) -> StoreError {
    match code {
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => StoreError::AccessRefused { at },
        // Something else lies where a row should be.
        Some("WRONGTYPE") => StoreError::Damaged { at, source: source.into() },
        Some("OOM") => StoreError::Full { at, source: source.into() },
        Some("READONLY" | "MISCONF") => StoreError::NotWritable { at, source: Some(source.into()) },
        Some("LOADING" | "BUSY" | "MASTERDOWN" | "TRYAGAIN" | "CLUSTERDOWN") => {
            StoreError::Unavailable { at, reason: Reason::NotReady, source: Some(source.into()) }
        }
        _ => StoreError::Redis { at, source },
    }
}

/// A row that this program cannot have written.
pub(super) fn damaged(at: &Place, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Damaged { at: at.clone(), source: source.into() }
}
