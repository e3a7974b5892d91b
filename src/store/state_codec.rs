//! The words that states are stored as. They never change, whatever the variants are called.

use crate::store::records::State;

/// A row holds a word that stands for no state.
#[derive(Debug, thiserror::Error)]
#[error("no state of a record is called that")]
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
