use std::{error::Error, io, sync::Arc};

use redis::{ErrorKind, RedisError, ServerErrorKind};
use rustls::CertificateError;

use crate::store::{ServerMessage, StoreError, StoreLocation, UnavailableReason};

/// Whether a new connection may work: this one is broken, does not respond, is not authenticated, or leads to a replica.
pub(super) fn of_the_connection(error: &RedisError) -> bool {
    error.is_io_error()
        || matches!(error.kind(), ErrorKind::Parse | ErrorKind::Server(ServerErrorKind::ReadOnly))
        || error.code() == Some("NOAUTH")
}

/// What an error of Redis means to the operator of this program.
pub(super) fn describe(at: &StoreLocation, error: &RedisError) -> StoreError {
    let (at, source) = (at.clone(), ServerMessage::new(error));
    match error.kind() {
        ErrorKind::Io => match tls_error(error) {
            Some(tls) => of_tls(at, tls, source),
            None => StoreError::Unavailable { at, reason: silence(error), source: Some(source.into()) },
        },
        ErrorKind::AuthenticationFailed => StoreError::AccessRefused { at },
        ErrorKind::Parse => StoreError::NotARedis { at, source },
        _ => answered(at, error, source),
    }
}

fn silence(error: &RedisError) -> UnavailableReason {
    if error.is_timeout() {
        UnavailableReason::TimedOut
    } else if error.is_connection_dropped() && !error.is_connection_refusal() {
        UnavailableReason::Disconnected
    } else {
        UnavailableReason::Unreachable
    }
}

fn tls_error(error: &RedisError) -> Option<&rustls::Error> {
    let shared = error.source()?.downcast_ref::<Arc<dyn Error + Send + Sync>>()?;
    shared.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

fn of_tls(at: StoreLocation, error: &rustls::Error, source: ServerMessage) -> StoreError {
    match error {
        rustls::Error::InvalidMessage(_) => StoreError::NoTls { at },
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => StoreError::UntrustedCertificate { at },
        rustls::Error::InvalidCertificate(_) => StoreError::InvalidCertificate { at, source },
        _ => StoreError::Unavailable { at, reason: UnavailableReason::Disconnected, source: Some(source.into()) },
    }
}

/// Classifies an error response by its code.
fn answered(at: StoreLocation, error: &RedisError, source: ServerMessage) -> StoreError {
    match error.code() {
        Some("NOAUTH" | "WRONGPASS") => StoreError::AccessRefused { at },
        // In place of NOAUTH, for a command of more than ten arguments.
        Some("ERR") if says(error, "Protocol error: unauthenticated") => StoreError::AccessRefused { at },
        Some("NOPERM") => StoreError::NotPermitted { at, source },
        // Redis 7.0 returns NOPERM only outside scripts.
        Some("ERR") if says(error, "The user executing the script") => StoreError::NotPermitted { at, source },
        // The key of a row has a value of another type.
        Some("WRONGTYPE") => StoreError::Damaged { at, source: source.into() },
        Some("OOM") => StoreError::Full { at, source: source.into() },
        Some("READONLY" | "MISCONF") => StoreError::NotWritable { at, source: Some(source.into()) },
        Some("LOADING" | "BUSY" | "MASTERDOWN" | "TRYAGAIN") => {
            StoreError::Unavailable { at, reason: UnavailableReason::NotReady, source: Some(source.into()) }
        }
        Some("MOVED" | "ASK" | "CROSSSLOT" | "CLUSTERDOWN") => StoreError::ClusterNode { at },
        Some("ERR") if says(error, "max number of clients") => {
            StoreError::Unavailable { at, reason: UnavailableReason::TooManyClients, source: None }
        }
        _ => StoreError::Redis { at, source },
    }
}

fn says(error: &RedisError, beginning: &str) -> bool {
    error.detail().is_some_and(|detail| detail.starts_with(beginning))
}

/// The error for a row that this program did not write.
pub(super) fn damaged(at: &StoreLocation, source: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Damaged { at: at.clone(), source: source.into() }
}
