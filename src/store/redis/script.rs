//! Scripts, because Redis runs each as a whole: no reader sees one of two keys changed.
//!
//! Besides the rows that are given as keys they name our sets themselves: one script changes several keys, so a
//! cluster, which is what Redis wants all keys for, could not run them anyway.

use redis::Script;

use super::{
    names::{DUE, ENDS, KEPT, RECORDS, SCHEMA, SEALED, SESSIONS},
    rows::FIELDS,
    schema,
};
use crate::store::{records::State, words};

/// A script for sessions, and for mint records with them.
pub(super) fn script(body: &str) -> Script {
    Script::new(&format!("{}{}{body}", names(), include_str!("rows.lua")))
}

/// A script for records.
pub(super) fn record_script(body: &str) -> Script {
    script(&format!("local FIELDS = {{'{}'}}\n{}{body}", FIELDS.join("', '"), include_str!("records.lua")))
}

fn names() -> String {
    format!(
        "local ENDS, DUE, KEPT, SEALED = '{ENDS}', '{DUE}', '{KEPT}', '{SEALED}'\n\
         local SESSIONS, RECORDS = '{SESSIONS}', '{RECORDS}'\n\
         local SCHEMA, VERSION = '{SCHEMA}', {}\n\
         local REVOKING, TOMBSTONE = '{}', '{}'\n",
        schema::latest(),
        words::from_state(State::Revoking),
        words::from_state(State::Tombstone),
    )
}
