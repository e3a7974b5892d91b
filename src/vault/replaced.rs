//! The row that a new connection replaces.

use std::sync::Arc;

use crate::{
    keys::Keyring,
    store::records::{Row, RowVersion, State},
    vault::{
        record::{
            Record,
            history::{End, Previous},
            tombstone::Tombstone,
        },
        refresh::cached_record::CachedRecord,
    },
};

/// A row as this process last saw it, decrypted.
pub(super) struct Replaced {
    /// What the put compares with the row.
    pub(super) head: RowVersion,
    contents: Contents,
}

enum Contents {
    Connection(Arc<CachedRecord>),
    Tombstone(Box<Tombstone>),
    Undecryptable,
}

impl Replaced {
    pub(super) fn of_row(keys: &Keyring, row: &Row) -> Self {
        let contents = match row.state {
            State::Tombstone => {
                Tombstone::of_row(keys, row).ok().map(|tombstone| Contents::Tombstone(tombstone.into()))
            }
            state => Record::of_row(keys, row)
                .ok()
                .map(|record| Contents::Connection(CachedRecord::new(record, state, row.limits).into())),
        };
        Self { head: row.head(), contents: contents.unwrap_or(Contents::Undecryptable) }
    }

    pub(super) fn cached(cached: Arc<CachedRecord>) -> Self {
        let head = RowVersion { version: cached.record.version(), state: cached.state };
        Self { head, contents: Contents::Connection(cached) }
    }

    fn connection(&self) -> Option<&CachedRecord> {
        match &self.contents {
            Contents::Connection(cached) => Some(cached),
            Contents::Tombstone(_) | Contents::Undecryptable => None,
        }
    }

    /// Whether it is a connection with a refresh token. One that cannot be decrypted counts as having none.
    pub(super) fn has_refresh_token(&self) -> bool {
        self.connection().is_some_and(|cached| cached.record.body.tokens.refresh_token.is_some())
    }

    /// Whether it is a connection with this proven e-mail.
    pub(super) fn has_email(&self, email: &str) -> bool {
        self.connection().is_some_and(|cached| cached.record.body.identity.has_email(email))
    }
}

/// Takes into the history of a new connection what the row that it replaces tells, if that can be decrypted.
pub(super) fn inherit(new: &mut Record, replaced: Option<&Replaced>) {
    let own_id = new.connection_id.as_str().to_owned();
    let ended_at = new.body.minted_at;
    let history = &mut new.body.history;
    (history.previous, history.first_connection, history.observed_life) = match replaced.map(|row| &row.contents) {
        Some(Contents::Connection(old)) => {
            let (state, old) = (old.state, &old.record.body);
            let died = old.history.failure.as_ref().filter(|_| state == State::Dead).map(|failure| failure.since);
            let end = if died.is_some() { End::Died } else { End::Replaced };
            let previous = Previous { minted_at: old.minted_at, ended_at: died.unwrap_or(ended_at), end };
            let first_connection = old.history.first_connection.clone().unwrap_or(own_id);
            (Some(previous), Some(first_connection), old.observed_life(state))
        }
        Some(Contents::Tombstone(tombstone)) => {
            let Tombstone { minted_at, removed_at, ref history, .. } = **tombstone;
            let previous = Previous { minted_at, ended_at: removed_at, end: End::Replaced };
            (Some(previous), Some(own_id), history.observed_life)
        }
        Some(Contents::Undecryptable) | None => (None, Some(own_id), None),
    };
}
