//! Saves the connection of a login.

use std::{sync::Arc, time::Duration};

use crate::{
    store::{
        Limits, RowKey, SessionRow,
        records::{Cas, Row, State},
    },
    vault::{
        Vault,
        backoff::Jitter,
        error::VaultError,
        key_lock::KeyLockGuard,
        record::{
            Record,
            history::{End, Previous},
            tombstone::Tombstone,
        },
        refresh::cached_record::CachedRecord,
    },
};

/// How often a put is tried. It fails only because another put succeeded, and a process puts one login of a user at a
/// time, so this is enough for far more processes than there are.
const TRIES: u32 = 64;
/// The longest pause before another try.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Makes the session of a login, once it is known which connection is its user's first.
pub type SessionOf<'a> = &'a (dyn Fn(&Record) -> SessionRow + Send + Sync);

/// What became of a login's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connected {
    /// It was saved.
    Yes,
    /// It has no refresh token, and the stored connection has one: that one stays, and no session was saved.
    KeptOld,
}

impl Vault {
    /// Saves `record` as the connection of `key`, and the session with it. A job on the old one finds that it was
    /// replaced, and drops its outcome.
    pub async fn connect(
        &self,
        key: &RowKey,
        mut record: Record,
        limits: Option<Limits>,
        session: Option<SessionOf<'_>>,
    ) -> Result<Connected, VaultError> {
        let _lock = self.0.key_locks.lock(&key.0).await;
        for attempt in 0..TRIES {
            if attempt > 0 {
                let jitter = Jitter::by((&self.0.settings.process, &key.0, attempt));
                self.0.clock.sleep(jitter.of(RETRY_PAUSE)).await;
            }
            let asked = self.0.clock.boot_time();
            let stored = match limits {
                // A new session has no record yet. If it has one nevertheless, the put finds it.
                Some(_) if attempt == 0 => None,
                _ => self.call_store(self.0.store.read(key)).await?,
            };
            if record.body.tokens.refresh_token.is_none()
                && stored.as_ref().is_some_and(|row| self.has_refresh_token(row))
            {
                return Ok(Connected::KeptOld);
            }
            self.inherit(&mut record, stored.as_ref());
            let row = self.new_row(key, &record, State::Live, limits);
            let over = stored.as_ref().map(Row::head);
            let put = match session.map(|session| session(&record)) {
                Some(session) => self.call_store(self.0.store.put_with_session(&row, over.as_ref(), &session)).await?,
                None => self.call_store(self.0.store.put(&row, over.as_ref())).await?,
            };
            if put == Cas::Applied {
                tracing::info!(
                    user_id = record.body.identity.logged_id(),
                    connection = %record.connection_id,
                    "logged in"
                );
                if limits.is_none() {
                    let cached = CachedRecord::new(record, State::Live, limits);
                    self.0.cache.insert_if_newer(key, Arc::new(cached), asked);
                }
                self.invalidate_user_index();
                self.wake_keeper_by(row.due);
                return Ok(Connected::Yes);
            }
        }
        // Losing so many races in a row is, for the caller, the same as a store that does not respond.
        Err(VaultError::StoreUnavailable)
    }

    /// Waits until no other login in this process claims this e-mail. Hold the guard from [`Vault::holders_of`] to the
    /// end of [`Vault::connect`].
    pub(crate) async fn lock_email(&self, email: &str) -> KeyLockGuard {
        // No row key begins like this.
        self.0.key_locks.lock(&format!("email:{}", email.to_ascii_lowercase())).await
    }

    /// Which users are connected with this e-mail. Reads the store, not the user index.
    pub(crate) async fn holders_of(&self, email: &str) -> Result<Vec<RowKey>, VaultError> {
        self.ensure_indexed().await?;
        let rows = self.rows_of_email(email).await?;
        let holds = |row: &Row| {
            row.state != State::Tombstone
                && Record::of_row(&self.0.keys, row).is_ok_and(|record| record.body.identity.has_email(email))
        };
        Ok(rows.into_iter().filter(holds).map(|row| row.key).collect())
    }

    /// Whether the stored connection has a refresh token. One that cannot be decrypted counts as having none.
    fn has_refresh_token(&self, row: &Row) -> bool {
        row.state != State::Tombstone
            && Record::of_row(&self.0.keys, row).is_ok_and(|old| old.body.tokens.refresh_token.is_some())
    }

    /// Takes into the history of a new connection what the row that it replaces tells, if that can be decrypted.
    pub(super) fn inherit(&self, new: &mut Record, stored: Option<&Row>) {
        let keys = &self.0.keys;
        let tombstone = stored.filter(|row| row.state == State::Tombstone);
        let tombstone = tombstone.and_then(|row| Tombstone::of_row(keys, row).ok());
        let replaced = stored.filter(|row| row.state != State::Tombstone);
        let replaced = replaced.and_then(|row| Some((row.state, Record::of_row(keys, row).ok()?.body)));
        let own_id = new.connection_id.as_str().to_owned();
        let ended_at = new.body.minted_at;
        let history = &mut new.body.history;
        (history.previous, history.first_connection, history.observed_life) = match (replaced, tombstone) {
            (Some((state, old)), _) => {
                let observed_life = old.observed_life(state);
                let died = old.history.failure.filter(|_| state == State::Dead).map(|failure| failure.since);
                let end = if died.is_some() { End::Died } else { End::Replaced };
                let previous = Previous { minted_at: old.minted_at, ended_at: died.unwrap_or(ended_at), end };
                (Some(previous), Some(old.history.first_connection.unwrap_or(own_id)), observed_life)
            }
            (None, Some(Tombstone { minted_at, removed_at, history, .. })) => {
                let previous = Previous { minted_at, ended_at: removed_at, end: End::Replaced };
                (Some(previous), Some(own_id), history.observed_life)
            }
            (None, None) => (None, Some(own_id), None),
        };
    }
}
