//! A new connection: what a login, or an import, brings.

use std::{sync::Arc, time::Duration};

use crate::{
    store::{
        Limits, RowKey,
        records::{Cas, Row, State},
    },
    vault::{
        End, ListEntry, Previous, Record, Tombstone, Turn, Vault,
        error::VaultError,
        refresh::{backoff::Jitter, cache::CachedRecord},
    },
};

/// How often a put is tried against a row that other processes keep moving. A put fails only where another one
/// worked, and a process has one login of a user at work at a time, so this is enough for far more processes than
/// there are.
const TRIES: u32 = 64;
/// The longest pause before another try, so that processes do not stay in step.
const PAUSE: Duration = Duration::from_millis(20);

/// What became of a login's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connected {
    /// It is the connection now.
    Yes,
    /// It came without a refresh token, and the connection that is there has one: that one stays.
    KeptOld,
}

impl Vault {
    /// Makes `record` the connection of `key`. Whoever works on the old one finds that it moved, and drops what it
    /// brings.
    pub async fn login(
        &self,
        key: &RowKey,
        mut record: Record,
        limits: Option<Limits>,
    ) -> Result<Connected, VaultError> {
        let _turn = self.0.turns.take(&key.0).await;
        for tried in 0..TRIES {
            if tried > 0 {
                let jitter = Jitter::by((&self.0.settings.process, &key.0, tried));
                self.0.clock.sleep(jitter.of(PAUSE)).await;
            }
            let asked = self.0.clock.boot_time();
            let there = self.call_store(self.0.store.read(key)).await?;
            if record.body.tokens.refresh_token.is_none() && there.as_ref().is_some_and(|row| self.is_renewable(row)) {
                return Ok(Connected::KeptOld);
            }
            record.body.history.previous = there.as_ref().and_then(|row| self.previous(row, &record));
            record.body.history.first_connection = Some(self.first_connection(there.as_ref(), &record));
            let row = record.new_row(&self.0.keys, key, State::Live, limits);
            let over = there.as_ref().map(|row| &row.version);
            if self.call_store(self.0.store.put(&row, over)).await? == Cas::Applied {
                tracing::info!(
                    user_id = record.body.identity.logged_id(),
                    connection = %record.connection_id,
                    "logged in"
                );
                if limits.is_none() {
                    let cached = CachedRecord { record, state: State::Live, limits };
                    self.0.memory.insert_if_newer(key, Arc::new(cached), asked);
                }
                self.forget_names();
                self.plan(row.due);
                return Ok(Connected::Yes);
            }
        }
        // Losing so many races in a row is, for the caller, the same as a store that does not respond.
        Err(VaultError::StoreUnavailable)
    }

    /// Waits until no other login, in this process, claims this e-mail. Hold it from [`Vault::is_email_of_another`] to
    /// the end of [`Vault::login`].
    pub async fn turn_of_email(&self, email: &str) -> Turn {
        // No key of a row begins like this.
        self.0.turns.take(&format!("email:{}", email.to_ascii_lowercase())).await
    }

    /// Whether this e-mail belongs to another `user_id` that is connected, and not to this one as well. Read from the
    /// store, not from what was listed lately.
    ///
    /// Two processes that get the first logins of two users with the same verified e-mail within the same moment each
    /// find it free. Then the name is ambiguous until one of them is forgotten.
    pub async fn is_email_of_another(&self, email: &str, user: &RowKey) -> Result<bool, VaultError> {
        let listed = self.list().await?;
        let holders = listed.iter().filter_map(|listed| match listed {
            ListEntry::Connection(status) if status.state != State::Pending && status.identity.has_email(email) => {
                Some(&status.key)
            }
            ListEntry::Connection(_) | ListEntry::Tombstone(..) | ListEntry::Unreadable(..) => None,
        });
        let holders: Vec<_> = holders.collect();
        Ok(!holders.is_empty() && !holders.contains(&user))
    }

    /// Whether the connection that is there has a refresh token. One that cannot be opened is of no use to anybody.
    fn is_renewable(&self, row: &Row) -> bool {
        row.state != State::Tombstone
            && Record::of_row(&self.0.keys, row).is_ok_and(|old| old.body.tokens.refresh_token.is_some())
    }

    /// Carried on from the row that `new` replaces, unless that is a tombstone.
    pub(crate) fn first_connection(&self, there: Option<&Row>, new: &Record) -> String {
        let replaced = there.filter(|row| row.state != State::Tombstone);
        let replaced = replaced.and_then(|row| Record::of_row(&self.0.keys, row).ok());
        let first = replaced.and_then(|old| old.body.history.first_connection);
        first.unwrap_or_else(|| new.connection_id.as_str().to_owned())
    }

    pub(crate) fn previous(&self, row: &Row, new: &Record) -> Option<Previous> {
        let ended_at = new.body.minted_at;
        if row.state == State::Tombstone {
            let Tombstone { minted_at, buried_at, .. } = Tombstone::of_row(&self.0.keys, row).ok()?;
            return Some(Previous { minted_at, ended_at: buried_at, end: End::Replaced });
        }
        let old = Record::of_row(&self.0.keys, row).ok()?.body;
        let died = old.history.failure.filter(|_| row.state == State::Dead).map(|failure| failure.since);
        let end = if died.is_some() { End::Died } else { End::Replaced };
        Some(Previous { minted_at: old.minted_at, ended_at: died.unwrap_or(ended_at), end })
    }
}
