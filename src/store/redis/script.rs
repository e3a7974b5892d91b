//! Lua scripts, which Redis runs as one step: no reader sees only one of two changed keys.
//!
//! Each declares every key that it uses, as a cluster requires: first those of its rows, then those that all rows
//! share.

use redis::{Script, ScriptInvocation};

use crate::store::{
    records::State,
    redis::{
        keys::{NEVER, RECORDS, SESSIONS, SHARED},
        rows::FIELDS,
        schema,
    },
    state_codec,
};

/// A script on rows and on the keys that all rows share.
pub(super) struct RowScript(Script);

impl RowScript {
    /// A script for sessions and their mint-mode records.
    pub(super) fn new(body: &str) -> Self {
        Self(Script::new(&format!("{}{}{body}", names(), include_str!("rows.lua"))))
    }

    /// A script for records.
    pub(super) fn for_records(body: &str) -> Self {
        Self::new(&format!("local FIELDS = {{'{}'}}\n{}{body}", FIELDS.join("', '"), include_str!("records.lua")))
    }

    /// A call with these rows as `KEYS[1]`, `KEYS[2]` and so on.
    pub(super) fn on(&self, rows: impl IntoIterator<Item = String>) -> ScriptInvocation<'_> {
        let mut call = self.0.prepare_invoke();
        for key in rows.into_iter().chain(SHARED.map(str::to_owned)) {
            call.key(key);
        }
        call
    }
}

fn names() -> String {
    format!(
        "local ROWS = #KEYS - {}\n\
         local SCHEMA, ENDS, DUE, KEPT, SEALED, GROUPS, LOGIN_ENDS, NAMES = unpack(KEYS, ROWS + 1)\n\
         local SESSIONS, RECORDS, NEVER = '{SESSIONS}', '{RECORDS}', '{NEVER}'\n\
         local VERSION = {}\n\
         local REVOKING, TOMBSTONE = '{}', '{}'\n",
        SHARED.len(),
        schema::latest(),
        state_codec::from_state(State::Revoking),
        state_codec::from_state(State::Tombstone),
    )
}
