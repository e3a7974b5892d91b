//! The names that states are stored as. They never change, even if the variants are renamed.

use crate::store::records::State;

/// A row has an unknown state.
#[derive(Debug, thiserror::Error)]
#[error("a record's state is unknown")]
pub(crate) struct UnknownState;

pub(crate) const fn from_state(state: State) -> &'static str {
    match state {
        State::Live => "live",
        State::Dead => "dead",
        State::Blocked => "blocked",
        State::Revoking => "revoking",
        State::Pending => "pending",
        State::Tombstone => "tombstone",
    }
}

pub(crate) fn to_state(word: &str) -> Result<State, UnknownState> {
    State::ALL.into_iter().find(|&state| from_state(state) == word).ok_or(UnknownState)
}
