//! The keys in Redis. All have one prefix, so that a Redis can be shared with other programs. The prefix is a hash
//! tag, so that in a cluster all keys are in the same slot and one script can change several.

use crate::store::RowKey;

pub(super) const SCHEMA: &str = "{videoask-auth}:schema";
pub(super) const PROBE: &str = "{videoask-auth}:probe";
/// The sorted set of all rows that end, by when they do.
pub(super) const ENDS: &str = "{videoask-auth}:ends";
/// When each record is due, and its key. This and the next two are sorted sets that only use the order of their
/// members: all scores are 0.
pub(super) const DUE: &str = "{videoask-auth}:due";
/// The keys of the kept records.
pub(super) const KEPT: &str = "{videoask-auth}:kept";
/// The id of the key that sealed a kept record, a colon, and the record's key.
pub(super) const SEALED: &str = "{videoask-auth}:sealed";
/// The sets and the schema version, which every script declares after its rows.
pub(super) const SHARED: [&str; 5] = [SCHEMA, ENDS, DUE, KEPT, SEALED];
/// What the key of every session begins with.
pub(super) const SESSIONS: &str = "{videoask-auth}:session:";
/// What the key of every record begins with.
pub(super) const RECORDS: &str = "{videoask-auth}:record:";

pub(super) fn session(key: &RowKey) -> String {
    format!("{SESSIONS}{}", key.0)
}

pub(super) fn record(key: &RowKey) -> String {
    format!("{RECORDS}{}", key.0)
}
