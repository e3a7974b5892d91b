use rusqlite::{Error, ErrorCode};

use crate::store::{StoreError, StoreLocation, UnavailableReason};

/// What an error of SQLite means to the operator of this program.
pub(super) fn describe(at: &StoreLocation, source: Error) -> StoreError {
    let at = at.clone();
    match &source {
        Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                StoreError::Unavailable { at, reason: UnavailableReason::Busy, source: Some(source.into()) }
            }
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                StoreError::NotWritable { at, source: Some(source.into()) }
            }
            ErrorCode::NotADatabase => StoreError::NotADatabase { at, source },
            ErrorCode::DiskFull => StoreError::Full { at, source: source.into() },
            ErrorCode::DatabaseCorrupt => StoreError::Damaged { at, source: source.into() },
            _ => StoreError::Sqlite { at, source },
        },
        Error::FromSqlConversionFailure(..) | Error::InvalidColumnType(..) | Error::IntegralValueOutOfRange(..) => {
            StoreError::Damaged { at, source: source.into() }
        }
        _ => StoreError::Sqlite { at, source },
    }
}
