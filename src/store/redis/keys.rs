//! The keys in Redis. All have one prefix, so that a Redis can be shared with other programs. The prefix is a hash
//! tag, so that in a cluster all keys are in the same slot and one script can change several.

use crate::store::RowKey;

pub(crate) const SCHEMA: &str = "{videoask-auth}:schema";
pub(crate) const PROBE: &str = "{videoask-auth}:probe";
/// The sorted set of all rows that end, by when they do.
pub(crate) const ENDS: &str = "{videoask-auth}:ends";
/// When each record is due, and its key. This and those below are sorted sets that only use the order of their
/// members: all scores are 0.
pub(crate) const DUE: &str = "{videoask-auth}:due";
/// The keys of the kept records.
pub(crate) const KEPT: &str = "{videoask-auth}:kept";
/// The id of the key that sealed a kept record, a colon, and the record's key.
pub(crate) const SEALED: &str = "{videoask-auth}:sealed";
/// For each indexed record, the id of the key that sealed it, its state, its label, when it is due, and its key, with
/// colons between.
pub(crate) const GROUPS: &str = "{videoask-auth}:groups";
/// The same with the expected end of its login in place of the due time.
pub(crate) const LOGIN_ENDS: &str = "{videoask-auth}:login-ends";
/// What stands there for a record that has no such time. It sorts after every time.
pub(crate) const NEVER: &str = "never";
/// A name of a kept record's user, hashed, in hex, a colon, and the record's key.
pub(crate) const NAMES: &str = "{videoask-auth}:names";
/// The sets and the schema version, which every script declares after its rows.
pub(crate) const SHARED: [&str; 8] = [SCHEMA, ENDS, DUE, KEPT, SEALED, GROUPS, LOGIN_ENDS, NAMES];
/// Every API key: a hash from its name to `hash.key_id.sealed`, in base64.
pub(crate) const API_KEYS: &str = "{videoask-auth}:api-keys";
/// When each API key was last used, in milliseconds of the Unix epoch, by its name.
pub(crate) const API_KEYS_USED: &str = "{videoask-auth}:api-keys-used";
/// The hash of all notification states.
pub(crate) const NOTIFICATIONS: &str = "{videoask-auth}:notifications";
/// What the key of every session begins with.
pub(crate) const SESSIONS: &str = "{videoask-auth}:session:";
/// What the key of every record begins with.
pub(crate) const RECORDS: &str = "{videoask-auth}:record:";

pub(crate) fn session(key: &RowKey) -> String {
    format!("{SESSIONS}{}", key.0)
}

pub(crate) fn record(key: &RowKey) -> String {
    format!("{RECORDS}{}", key.0)
}
