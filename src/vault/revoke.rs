//! Revokes a connection at the provider, or only removes it here. Both leave a tombstone.

use oauth2::RefreshToken;

use crate::{
    store::{
        RowKey,
        records::{Cas, Change, State, Version},
    },
    vault::{
        Vault,
        error::VaultError,
        record::{Record, tombstone::Tombstone},
        refresh::{
            lease::{HeldLease, LEASE_TRIES, LeaseOutcome, TakenLease},
            single_flight::Job,
            task::JobResult,
        },
    },
};

/// How to end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Revoke the refresh token at the provider, then remove the secrets.
    Revoke,
    /// Only remove the secrets.
    Forget,
}

/// The result of ending a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its secrets are removed; a tombstone is left.
    Yes,
    /// The token set that was shown is no longer current. The current one is unchanged.
    Moved,
}

impl Vault {
    /// Ends a connection if `shown` is still its version; `None` ends any version. A caller's disconnect does not
    /// cancel it.
    pub async fn end(&self, key: &RowKey, shown: Option<&Version>, ending: Ending) -> Result<Ended, VaultError> {
        let shown = shown.cloned();
        let left = self.run_alone(key, |job| async move { job.end(shown.as_ref(), ending).await }).await?;
        Ok(if left.is_some() { Ended::Moved } else { Ended::Yes })
    }
}

impl Job {
    async fn end(&self, shown: Option<&Version>, ending: Ending) -> JobResult {
        for _ in 0..LEASE_TRIES {
            let mut held = match self.take_lease(|_, _| None).await? {
                TakenLease::Held(held) => held,
                TakenLease::Unneeded(cached) => return Ok(cached),
            };
            let result = self.end_under(&mut held, shown, ending).await;
            let _ = self.release(&held).await;
            match result? {
                LeaseOutcome::Done(cached) => return Ok(cached),
                LeaseOutcome::LeaseLost => {}
            }
        }
        Err(VaultError::Busy)
    }

    async fn end_under(
        &self,
        held: &mut HeldLease,
        shown: Option<&Version>,
        ending: Ending,
    ) -> Result<LeaseOutcome, VaultError> {
        if held.row.state == State::Tombstone || shown.is_some_and(|shown| *shown != held.row.version) {
            return self.cache_row(&held.row, held.asked).map(LeaseOutcome::Done);
        }
        let record = Record::of_row(&self.vault.0.keys, &held.row)?;
        if let (Ending::Revoke, Some(token)) = (ending, &record.body.tokens.refresh_token) {
            if record.body.issuer != self.vault.0.settings.issuer {
                return Err(VaultError::OtherClient);
            }
            // From here on, no process hands out its token.
            let revoking = Change { state: State::Revoking, due: None, ..held.change_from(None) };
            let asked = self.vault.0.clock.boot_time();
            match self.swap_under(held, &revoking).await? {
                Cas::Applied => {}
                Cas::Conflict(_) => return Ok(LeaseOutcome::LeaseLost),
                Cas::NoRow => return Ok(LeaseOutcome::Done(None)),
            }
            held.row.apply(&revoking);
            self.vault.0.cache.remove(&self.key, asked);
            self.revoke_at_provider(token).await?;
        }
        self.write_tombstone(held, &record).await
    }

    async fn revoke_at_provider(&self, token: &RefreshToken) -> Result<(), VaultError> {
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

    async fn write_tombstone(&self, held: &HeldLease, record: &Record) -> Result<LeaseOutcome, VaultError> {
        let asked = self.vault.0.clock.boot_time();
        let tombstone = Tombstone::of(record, self.vault.0.clock.now());
        let sealed = Some(self.vault.seal_tombstone(&self.key, &held.row.version, &tombstone));
        let change = Change { state: State::Tombstone, due: None, sealed, ..held.change_from(None) };
        match self.swap_under(held, &change).await? {
            Cas::Applied => {
                self.vault.0.cache.remove(&self.key, asked);
                Ok(LeaseOutcome::Done(None))
            }
            Cas::Conflict(row) if held.lost_only_lease(&row) => Ok(LeaseOutcome::LeaseLost),
            Cas::Conflict(row) => self.cache_row(&row, asked).map(LeaseOutcome::Done),
            Cas::NoRow => Ok(LeaseOutcome::Done(None)),
        }
    }
}
