//! The two ends of a connection: revoked at the provider, or only forgotten here. Both leave a tombstone.

use oauth2::RefreshToken;

use crate::{
    store::{
        RowKey,
        records::{Cas, Change, State, Version},
    },
    vault::{
        Record, Tombstone, Vault,
        error::VaultError,
        refresh::{
            lease::{HeldLease, LEASE_TRIES, is_lease_lost},
            single_flight::{Job, JobResult},
        },
    },
};

/// How to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Tell the provider, and then remove the secrets.
    Revoke,
    /// Remove the secrets.
    Forget,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The secrets are removed; a tombstone is left.
    Yes,
    /// What was shown is no longer the current token set; nothing was done to the newer one.
    Moved,
}

impl Vault {
    /// Ends a connection, if `shown` is still its version, or whatever its version if nothing was shown.
    /// Goes on without its caller.
    pub async fn end(&self, key: &RowKey, shown: Option<&Version>, ending: Ending) -> Result<Ended, VaultError> {
        let shown = shown.cloned();
        let result = self.run_alone(key, |job| async move { job.end(shown, ending).await });
        match result.await {
            Ok(_) => Ok(Ended::Moved),
            Err(VaultError::NotConnected) => Ok(Ended::Yes),
            Err(error) => Err(error),
        }
    }
}

impl Job {
    async fn end(&self, shown: Option<Version>, ending: Ending) -> JobResult {
        for _ in 0..LEASE_TRIES {
            let mut held = match self.take_lease(|_, _| None).await {
                Ok(held) => held,
                Err(result) => return result,
            };
            let result = self.end_under(&mut held, shown.as_ref(), ending).await;
            self.release(&held).await;
            if !is_lease_lost(&result) {
                return result;
            }
        }
        Err(VaultError::Busy)
    }

    async fn end_under(&self, held: &mut HeldLease, shown: Option<&Version>, ending: Ending) -> JobResult {
        if held.row.state == State::Tombstone || shown.is_some_and(|shown| *shown != held.row.version) {
            return self.adopt(&held.row, held.asked);
        }
        let record = Record::of_row(&self.vault.0.keys, &held.row)?;
        if let (Ending::Revoke, Some(token)) = (ending, &record.body.tokens.refresh_token) {
            if record.body.issuer != self.vault.0.settings.issuer {
                return Err(VaultError::OtherClient);
            }
            self.mark(held).await?;
            self.post(token).await?;
        }
        self.leave_tombstone(held, &record).await
    }

    /// Nothing is handed out from here.
    async fn mark(&self, held: &mut HeldLease) -> Result<(), VaultError> {
        let asked = self.vault.0.clock.boot_time();
        let mark = Change { state: State::Revoking, due: None, ..held.reopened(None) };
        match self.swap_under(held, &mark).await? {
            Cas::Applied => {
                held.row.apply(&mark);
                self.vault.0.memory.forget(&self.key, asked);
                Ok(())
            }
            Cas::Conflict(_) => Err(VaultError::Busy),
            Cas::NoRow => Err(VaultError::NotConnected),
        }
    }

    async fn post(&self, token: &RefreshToken) -> Result<(), VaultError> {
        let vault = &self.vault.0;
        match vault.clock.timeout(vault.settings.exchange_timeout, vault.provider.revoke(token)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a revoke was not confirmed");
                Err(VaultError::RevokeUnconfirmed)
            }
            None => Err(VaultError::RevokeUnconfirmed),
        }
    }

    /// Removes the secrets.
    async fn leave_tombstone(&self, held: &HeldLease, record: &Record) -> JobResult {
        let asked = self.vault.0.clock.boot_time();
        let tombstone = Tombstone::of(record, self.vault.0.clock.now());
        let sealed = Some(tombstone.sealed(&self.vault.0.keys, &self.key, &held.row.version));
        let tombstone = Change { state: State::Tombstone, due: None, sealed, ..held.reopened(None) };
        match self.swap_under(held, &tombstone).await? {
            Cas::Applied => {
                self.vault.0.memory.forget(&self.key, asked);
                Err(VaultError::NotConnected)
            }
            Cas::Conflict(row) if held.has_lost_only_the_lease(&row) => Err(VaultError::Busy),
            Cas::Conflict(row) => self.adopt(&row, asked),
            Cas::NoRow => Err(VaultError::NotConnected),
        }
    }
}
