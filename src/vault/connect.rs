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
        record::Record,
        refresh::cached_record::CachedRecord,
        replaced::{Replaced, inherit},
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
    Yes(EmailBefore),
    /// It has no refresh token, and the stored connection has one: that one stays, and no session was saved.
    KeptOld,
}

/// Whether a login replaced a connection of the same user with the same proven e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailBefore {
    /// It did.
    Same,
    /// It replaced none, or one with another e-mail.
    Other,
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
        let mut replaced = self.expected(key, &record, limits).await?;
        for attempt in 0..TRIES {
            // The first put compares with what this process remembers, so it may fail although no other process writes.
            if attempt > 1 {
                let jitter = Jitter::by((&self.0.settings.process, &key.0, attempt));
                self.0.clock.sleep(jitter.of(RETRY_PAUSE)).await;
            }
            let asked = self.0.clock.boot_time();
            if record.body.tokens.refresh_token.is_none() && replaced.as_ref().is_some_and(Replaced::has_refresh_token)
            {
                return Ok(Connected::KeptOld);
            }
            inherit(&mut record, replaced.as_ref());
            let row = self.new_row(key, &record, State::Live, limits);
            let over = replaced.as_ref().map(|row| &row.head);
            let put = match session.map(|session| session(&record)) {
                Some(session) => self.call_store(self.0.store.put_with_session(&row, over, &session)).await?,
                None => self.call_store(self.0.store.put(&row, over)).await?,
            };
            replaced = match put {
                Cas::Applied => {
                    let email = email_before(&record, replaced.as_ref());
                    self.connected(key, record, limits, asked);
                    self.wake_keeper_by(row.due);
                    return Ok(Connected::Yes(email));
                }
                Cas::Conflict(row) => Some(Replaced::of_row(&self.0.keys, &row)),
                Cas::NoRow => None,
            };
        }
        // Losing so many races in a row is, for the caller, the same as a store that does not respond.
        Err(VaultError::StoreUnavailable)
    }

    /// What the first put expects at this key. If the store has something else, it answers with that.
    async fn expected(
        &self,
        key: &RowKey,
        record: &Record,
        limits: Option<Limits>,
    ) -> Result<Option<Replaced>, VaultError> {
        Ok(match limits {
            // A new session has no record yet.
            Some(_) => None,
            // What is stored decides whether it stays.
            None if record.body.tokens.refresh_token.is_none() => {
                let row = self.call_store(self.0.store.read(key)).await?;
                row.map(|row| Replaced::of_row(&self.0.keys, &row))
            }
            None => self.0.cache.get(key).map(Replaced::cached),
        })
    }

    fn connected(&self, key: &RowKey, record: Record, limits: Option<Limits>, asked: Duration) {
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
    }

    /// Whether the store confirmed, within the time for which the cache is trusted, that this user is connected with this
    /// e-mail.
    pub(crate) fn recently_held(&self, key: &RowKey, email: &str) -> bool {
        let cached = self.0.cache.fresh(key, self.0.clock.boot_time());
        cached.is_some_and(|cached| cached.record.body.identity.has_email(email))
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
}

fn email_before(new: &Record, replaced: Option<&Replaced>) -> EmailBefore {
    let email = new.body.identity.proven_email();
    match email.zip(replaced) {
        Some((email, replaced)) if replaced.has_email(email) => EmailBefore::Same,
        Some(_) | None => EmailBefore::Other,
    }
}
