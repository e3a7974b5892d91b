//! Converts records from their hashes, and to the arguments of scripts.

use redis::{ScriptInvocation, ToRedisArgs};
use time::OffsetDateTime;

use crate::store::{
    Limits, RowKey, SessionRow, StoreError, millis,
    records::{Change, Expected, Lease, NewRow, OpenAttempt, Owner, Row, RowVersion, Sealed, Version},
    redis::{connection::Connection, failure, index_codec, sortable_time},
    state_codec,
};

/// In the order of [`Fields`].
pub(super) const FIELDS: [&str; 12] = [
    "connection_id",
    "generation",
    "state",
    "due",
    "attempt",
    "lease_owner",
    "lease_until",
    "idle",
    "absolute",
    "key_id",
    "sealed",
    "index",
];

/// The fields of a record's hash. All are empty if there is no hash.
pub(super) type Fields = (
    Option<String>,
    Option<u64>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<Vec<u8>>,
    Option<String>,
);

/// A record lacks a field that this program always writes.
#[derive(Debug, thiserror::Error)]
#[error("a record without its {0}")]
struct MissingField(&'static str);

/// Reads rows. Its errors name the Redis.
pub(super) struct Reader<'a>(&'a Connection);

impl<'a> Reader<'a> {
    pub(super) fn of(connection: &'a Connection) -> Self {
        Self(connection)
    }

    pub(super) fn row(&self, key: RowKey, fields: Fields) -> Result<Option<Row>, StoreError> {
        if fields == Fields::default() {
            return Ok(None);
        }
        let (connection_id, generation, state, due, attempt, owner, until, idle, absolute, key_id, sealed, index) =
            fields;
        let RowVersion { version, state } = self.head(connection_id, generation, state)?;
        let sealed = Sealed {
            key_id: self.required(key_id, "key_id")?,
            bytes: self.required(sealed, "sealed")?,
            index: index.map(|index| index_codec::decode(&index).map_err(|error| self.damaged(error))).transpose()?,
        };
        Ok(Some(Row {
            key,
            version,
            state,
            due: due.map(|due| self.due(&due)).transpose()?,
            attempt: attempt.map(Owner),
            lease: self.lease(owner, until)?,
            limits: self.limits(idle, absolute)?,
            sealed,
        }))
    }

    pub(super) fn head(
        &self,
        connection_id: Option<String>,
        generation: Option<u64>,
        state: Option<String>,
    ) -> Result<RowVersion, StoreError> {
        let connection_id = self.required(connection_id, "connection_id")?;
        let version = Version { connection_id, generation: self.required(generation, "generation")? };
        let state = self.required(state, "state")?;
        Ok(RowVersion { version, state: state_codec::to_state(&state).map_err(|error| self.damaged(error))? })
    }

    pub(super) fn due(&self, due: &str) -> Result<OffsetDateTime, StoreError> {
        sortable_time::to_time(due).map_err(|error| self.damaged(error))
    }

    pub(super) fn limits(&self, idle: Option<i64>, absolute: Option<i64>) -> Result<Option<Limits>, StoreError> {
        if (idle, absolute) == (None, None) {
            return Ok(None);
        }
        let idle = self.time(self.required(idle, "idle")?)?;
        Ok(Some(Limits { idle, absolute: self.time(self.required(absolute, "absolute")?)? }))
    }

    fn lease(&self, owner: Option<String>, until: Option<i64>) -> Result<Option<Lease>, StoreError> {
        let Some(owner) = owner else { return Ok(None) };
        let until = self.time(self.required(until, "lease_until")?)?;
        Ok(Some(Lease { owner: Owner(owner), until }))
    }

    fn time(&self, millis: i64) -> Result<OffsetDateTime, StoreError> {
        millis::to_time(millis).map_err(|error| self.damaged(error))
    }

    fn required<T>(&self, field: Option<T>, name: &'static str) -> Result<T, StoreError> {
        field.ok_or_else(|| self.damaged(MissingField(name)))
    }

    fn damaged(&self, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
        failure::damaged(self.0.at(), source)
    }
}

/// The arguments of a script for records: names and values in turn.
pub(super) struct Arguments<'a, 'b>(pub(super) &'a mut ScriptInvocation<'b>);

impl Arguments<'_, '_> {
    pub(super) fn add(&mut self, name: &str, value: impl ToRedisArgs) -> &mut Self {
        self.0.arg(name).arg(value);
        self
    }

    fn add_if_any(&mut self, name: &str, value: Option<impl ToRedisArgs>) -> &mut Self {
        if let Some(value) = value {
            self.add(name, value);
        }
        self
    }

    pub(super) fn add_row(&mut self, row: &NewRow) -> &mut Self {
        self.add("connection_id", &row.version.connection_id)
            .add("generation", row.version.generation)
            .add("state", state_codec::from_state(row.state))
            .add_if_any("due", row.due.map(sortable_time::from_time))
            .add_if_any("idle", row.limits.map(|limits| millis::from_time(limits.idle)))
            .add_if_any("absolute", row.limits.map(|limits| millis::from_time(limits.absolute)))
            .add_sealed_if_any(["key_id", "sealed", "index"], Some(&row.sealed))
    }

    pub(super) fn add_replaces(&mut self, replaces: Option<&RowVersion>) -> &mut Self {
        self.add_if_any("over_connection_id", replaces.map(|row| &row.version.connection_id))
            .add_if_any("over_generation", replaces.map(|row| row.version.generation))
            .add_if_any("over_state", replaces.map(|row| state_codec::from_state(row.state)))
    }

    /// What a login adds beside its record.
    pub(super) fn add_session(&mut self, session: &SessionRow) -> &mut Self {
        self.add("session_idle", millis::from_time(session.limits.idle))
            .add("session_absolute", millis::from_time(session.limits.absolute))
            .add("session_sealed", &session.sealed)
    }

    /// The owner of the attempt that a claim takes over.
    pub(super) fn add_taken_over(&mut self, attempt: &OpenAttempt) -> &mut Self {
        match attempt {
            OpenAttempt::Respect => self,
            OpenAttempt::TakeOver(owner) => self.add("taken_over", &owner.0),
        }
    }

    pub(super) fn add_expected(&mut self, expected: &Expected) -> &mut Self {
        self.add("expected_connection_id", &expected.version.connection_id)
            .add("expected_generation", expected.version.generation)
            .add("expected_state", state_codec::from_state(expected.state))
            .add_if_any("expected_attempt", expected.attempt.as_ref().map(|attempt| &attempt.0))
            .add_if_any("expected_lease", expected.lease.as_ref().map(|lease| &lease.0))
    }

    pub(super) fn add_change(&mut self, change: &Change) -> &mut Self {
        self.add("generation", change.generation)
            .add("state", state_codec::from_state(change.state))
            .add_if_any("due", change.due.map(sortable_time::from_time))
            .add_if_any("attempt", change.attempt.as_ref().map(|attempt| &attempt.0))
            .add_sealed_if_any(["key_id", "sealed", "index"], change.sealed.as_ref())
    }

    pub(super) fn add_tombstone(&mut self, tombstone: &Sealed) -> &mut Self {
        self.add_sealed_if_any(["grave_key_id", "grave_sealed", "grave_index"], Some(tombstone))
    }

    fn add_sealed_if_any(&mut self, [key_id, sealed, index]: [&str; 3], value: Option<&Sealed>) -> &mut Self {
        let Some(value) = value else { return self };
        self.add(key_id, &value.key_id)
            .add(sealed, &value.bytes)
            .add_if_any(index, value.index.as_ref().map(index_codec::encode))
    }
}
