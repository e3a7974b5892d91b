//! A new connection: what a login, or an import, brings.

use std::sync::Arc;

use crate::store::{
    Limits, RowKey,
    records::{Row, State, Swap},
};

use super::{End, Grave, Previous, Record, Vault, memory::Known, settings::STORE_TIMEOUT};

/// How often a put is tried against a row that keeps moving.
const TRIES: usize = 5;

/// What became of a login's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is the connection now.
    Yes,
    /// It came without a refresh token, and the connection that is there has one: that one stays.
    KeptOld,
}

/// The record could not be stored; nothing is known about whether it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store did not take the connection")]
pub struct NotStored;

impl Vault {
    /// Makes `record` the connection of `key`. Whoever works on the old one finds that it moved, and drops what it
    /// brings.
    pub async fn login(&self, key: &RowKey, mut record: Record, limits: Option<Limits>) -> Result<Stored, NotStored> {
        for _ in 0..TRIES {
            let asked = self.0.clock.boot_time();
            let there = self.step(self.0.store.read(key)).await?;
            if record.contents.tokens.refresh_token.is_none()
                && there.as_ref().is_some_and(|row| self.is_renewable(row))
            {
                return Ok(Stored::KeptOld);
            }
            record.contents.history.previous = there.as_ref().and_then(|row| self.previous(row, &record));
            let row = record.new_row(&self.0.keys, key, State::Live, limits);
            let over = there.as_ref().map(|row| &row.version);
            if self.step(self.0.store.put(&row, over)).await? == Swap::Done {
                tracing::info!(
                    user_id = record.contents.identity.logged_id(),
                    connection = %record.connection_id,
                    "logged in"
                );
                if limits.is_none() {
                    let known = Known { record, state: State::Live, limits };
                    self.0.memory.learn(key, Arc::new(known), asked);
                }
                self.forget_names();
                return Ok(Stored::Yes);
            }
        }
        Err(NotStored)
    }

    async fn step<T>(&self, step: impl Future<Output = Result<T, crate::store::StoreError>>) -> Result<T, NotStored> {
        match self.0.clock.timeout(STORE_TIMEOUT, step).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the store did not take a connection");
                Err(NotStored)
            }
            None => Err(NotStored),
        }
    }

    /// Whether the connection that is there has a refresh token. One that cannot be opened is of no use to anybody.
    fn is_renewable(&self, row: &Row) -> bool {
        row.state != State::Tombstone
            && Record::of_row(&self.0.keys, row).is_ok_and(|old| old.contents.tokens.refresh_token.is_some())
    }

    pub(super) fn previous(&self, row: &Row, new: &Record) -> Option<Previous> {
        let ended_at = new.contents.minted_at;
        if row.state == State::Tombstone {
            let Grave { minted_at, buried_at, .. } = Grave::of_row(&self.0.keys, row).ok()?;
            return Some(Previous { minted_at, ended_at: buried_at, end: End::Replaced });
        }
        let old = Record::of_row(&self.0.keys, row).ok()?.contents;
        let died = old.history.trouble.filter(|_| row.state == State::Dead).map(|trouble| trouble.since);
        let end = if died.is_some() { End::Died } else { End::Replaced };
        Some(Previous { minted_at: old.minted_at, ended_at: died.unwrap_or(ended_at), end })
    }
}
