use rusqlite::{Error, Row, types::Type};
use time::OffsetDateTime;

use crate::store::{Limits, UpdateOutcome, millis, records::State, state_codec};

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<OffsetDateTime> {
    millis::to_time(row.get(column)?)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Integer, error.into()))
}

pub(super) fn time_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<OffsetDateTime>> {
    row.get::<_, Option<i64>>(column)?.map(|_| time(row, column)).transpose()
}

/// The limits in this column and the next.
pub(super) fn limits_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Limits>> {
    let idle = time_if_any(row, column)?;
    idle.map(|idle| Ok(Limits { idle, absolute: time(row, column + 1)? })).transpose()
}

pub(super) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<State> {
    let word = row.get_ref(column)?.as_str()?;
    state_codec::to_state(word).map_err(|error| Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

/// The result of an `UPDATE` that changed this many rows.
pub(super) fn outcome(rows: usize) -> UpdateOutcome {
    if rows == 0 { UpdateOutcome::NoRow } else { UpdateOutcome::Updated }
}
