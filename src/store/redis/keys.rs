//! The keys in Redis. All have one prefix, so that a Redis can be shared with other programs. The prefix is a hash
//! tag, so that in a cluster all keys are in the same slot and one script can change several.

use crate::store::RowKey;

pub(crate) const SCHEMA: &str = "{videoask-auth}:schema";
pub(crate) const PROBE: &str = "{videoask-auth}:probe";
/// The sorted set of all rows with limits, scored by when they end.
pub(crate) const ENDS: &str = "{videoask-auth}:ends";
/// When each record is due, followed by its key. This one and the sorted sets below use only the order of their
/// members: all scores are 0.
pub(crate) const DUE: &str = "{videoask-auth}:due";
/// The keys of the records without limits.
pub(crate) const KEPT: &str = "{videoask-auth}:kept";
/// The id of the key that encrypted a record without limits, a colon, and the record's key.
pub(crate) const SEALED: &str = "{videoask-auth}:sealed";
/// For each indexed record: the id of the key that encrypted it, its state, its label, when it is due, and its key,
/// separated by colons.
pub(crate) const GROUPS: &str = "{videoask-auth}:groups";
/// The same, with the expected end of its login instead of the due time.
pub(crate) const LOGIN_ENDS: &str = "{videoask-auth}:login-ends";
/// The placeholder for a missing time. It sorts after every time.
pub(crate) const NEVER: &str = "never";
/// The hash of a user's name in hex, a colon, and the key of that user's record.
pub(crate) const NAMES: &str = "{videoask-auth}:names";
/// The keys that every script over records or sessions declares after those of its rows: the sets and the schema
/// version.
pub(crate) const SHARED: [&str; 8] = [SCHEMA, ENDS, DUE, KEPT, SEALED, GROUPS, LOGIN_ENDS, NAMES];
/// The hash of all API keys: from a name to `hash.key_id.sealed` in base64.
pub(crate) const API_KEYS: &str = "{videoask-auth}:api-keys";
/// The hash of when each API key was last used: from a name to milliseconds of the Unix epoch.
pub(crate) const API_KEYS_USED: &str = "{videoask-auth}:api-keys-used";
pub(crate) const NOTIFICATIONS: &str = "{videoask-auth}:notifications";
pub(crate) const SESSIONS: &str = "{videoask-auth}:session:";
pub(crate) const RECORDS: &str = "{videoask-auth}:record:";

pub(crate) fn session(key: &RowKey) -> String {
    format!("{SESSIONS}{}", key.0)
}

pub(crate) fn record(key: &RowKey) -> String {
    format!("{RECORDS}{}", key.0)
}
