//! What a row is counted as.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};

use crate::{
    store::records::State,
    telemetry::{self, Label},
    vault::index::RowKind,
};

/// The state of a row, in the words of `status`, but for two that nobody can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordState {
    Stored(State),
    /// An import that VideoAsk refused.
    Refused,
    Unreadable,
}

impl RecordState {
    pub(super) fn of(kind: RowKind, state: State) -> Option<Self> {
        match (kind, state) {
            (RowKind::AdoptedImport, _) => None,
            (RowKind::Unreadable | RowKind::UnreadableImport, _) => Some(Self::Unreadable),
            (RowKind::Import, State::Dead) => Some(Self::Refused),
            (RowKind::Import | RowKind::Connection(_), state) => Some(Self::Stored(state)),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Stored(state) => state.as_str(),
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Label for RecordState {
    const COUNT: usize = State::ALL.len() + 2;

    fn all() -> impl Iterator<Item = Self> {
        State::ALL.into_iter().map(Self::Stored).chain([Self::Refused, Self::Unreadable])
    }

    fn place(self) -> usize {
        match self {
            Self::Stored(state) => state as usize,
            Self::Refused => State::ALL.len(),
            Self::Unreadable => State::ALL.len() + 1,
        }
    }
}

impl EncodeLabelSet for RecordState {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        telemetry::encode("state", self.as_str(), encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_place_of_its_own() {
        let places: Vec<_> = RecordState::all().map(Label::place).collect();
        assert_eq!(places, (0..RecordState::COUNT).collect::<Vec<_>>());
    }
}
