use rusqlite::{Error, Row, types::Type};
use time::OffsetDateTime;

use crate::store::{Outcome, millis};

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<OffsetDateTime> {
    millis::to_time(row.get(column)?)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Integer, error.into()))
}

/// What the number of rows that an `UPDATE` has changed means.
pub(super) fn outcome(rows: usize) -> Outcome {
    if rows == 0 { Outcome::Missing } else { Outcome::Done }
}
