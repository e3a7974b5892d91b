//! The keys in Redis, all below one prefix, so that a Redis can be shared with other programs.

use crate::store::RowKey;

pub(super) const SCHEMA: &str = "videoask-auth:schema";
pub(super) const PROBE: &str = "videoask-auth:probe";
/// The sorted set of all keys that end, by when they do.
pub(super) const ENDS: &str = "videoask-auth:ends";

const SESSIONS: &str = "videoask-auth:session:";

pub(super) fn session(key: &RowKey) -> String {
    format!("{SESSIONS}{}", key.0)
}

pub(super) fn record(key: &RowKey) -> String {
    format!("videoask-auth:record:{}", key.0)
}

/// What the key of every session begins with.
pub(super) const fn session_prefix() -> &'static str {
    SESSIONS
}
