//! The two ends of a connection: revoked at the provider, or only forgotten here. Both leave a tombstone.

use oauth2::RefreshToken;

use crate::{
    store::{
        RowKey,
        records::{Cas, Change, State, Version},
    },
    vault::{
        HandOutError, Record, Tombstone, Undecryptable, Vault,
        refresh::{
            lease::{HeldLease, LEASE_TRIES, is_lease_lost},
            single_flight::{Job, JobResult, Setback},
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

/// Why a connection has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEnded {
    /// It is marked, no token is handed out any more, and it can be tried again: the provider did not confirm.
    #[error("VideoAsk did not confirm; nothing is handed out any more, and it can be tried again")]
    Revoking,
    /// The refresh token belongs to another client id or token endpoint, so this app cannot revoke it.
    #[error("these tokens belong to another CLIENT_ID or VIDEOASK_AUTH_URL")]
    OtherClient,
    /// As for a hand-out.
    #[error("the store does not answer")]
    StoreUnavailable,
    /// As for a hand-out.
    #[error("another process works on this connection")]
    Busy,
    /// As for a hand-out.
    #[error("this process is stopping")]
    Stopping,
    /// As for a hand-out.
    #[error("an internal error")]
    Internal,
    /// As for a hand-out.
    #[error("{0}")]
    Undecryptable(Undecryptable),
}

impl Vault {
    /// Ends a connection, if `shown` is still its version, or whatever its version if nothing was shown.
    /// Goes on without its caller.
    pub async fn end(&self, key: &RowKey, shown: Option<&Version>, ending: Ending) -> Result<Ended, NotEnded> {
        let shown = shown.cloned();
        let result = self.run_alone(key, |job| async move { job.end(shown, ending).await });
        match result.await {
            Ok(_) => Ok(Ended::Moved),
            Err(Setback::NotConnected) => Ok(Ended::Yes),
            Err(Setback::Revoking) => Err(NotEnded::Revoking),
            Err(Setback::OtherClient) => Err(NotEnded::OtherClient),
            Err(Setback::StoreUnavailable) => Err(NotEnded::StoreUnavailable),
            Err(Setback::Contended) => Err(NotEnded::Busy),
            Err(Setback::Unreadable) => Err(NotEnded::Undecryptable(Undecryptable(1))),
            Err(Setback::Stopping) => Err(NotEnded::Stopping),
            Err(Setback::Internal) => Err(NotEnded::Internal),
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
        Err(Setback::Contended)
    }

    async fn end_under(&self, held: &mut HeldLease, shown: Option<&Version>, ending: Ending) -> JobResult {
        if held.row.state == State::Tombstone || shown.is_some_and(|shown| *shown != held.row.version) {
            return self.adopt(&held.row, held.asked);
        }
        let record = Record::of_row(&self.vault.0.keys, &held.row)?;
        if let (Ending::Revoke, Some(token)) = (ending, &record.body.tokens.refresh_token) {
            if record.body.issuer != self.vault.0.settings.issuer {
                return Err(Setback::OtherClient);
            }
            self.mark(held).await?;
            self.post(token).await?;
        }
        self.leave_tombstone(held, &record).await
    }

    /// Nothing is handed out from here.
    async fn mark(&self, held: &mut HeldLease) -> Result<(), Setback> {
        let asked = self.vault.0.clock.boot_time();
        let mark = Change { state: State::Revoking, due: None, ..held.reopened(None) };
        match self.swap_under(held, &mark).await? {
            Cas::Applied => {
                held.row.apply(&mark);
                self.vault.0.memory.forget(&self.key, asked);
                Ok(())
            }
            Cas::Conflict(_) => Err(Setback::Contended),
            Cas::NoRow => Err(Setback::NotConnected),
        }
    }

    async fn post(&self, token: &RefreshToken) -> Result<(), Setback> {
        let vault = &self.vault.0;
        match vault.clock.timeout(vault.settings.exchange_timeout, vault.provider.revoke(token)).await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a revoke was not confirmed");
                Err(Setback::Revoking)
            }
            None => Err(Setback::Revoking),
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
                Err(Setback::NotConnected)
            }
            Cas::Conflict(row) if held.has_lost_only_the_lease(&row) => Err(Setback::Contended),
            Cas::Conflict(row) => self.adopt(&row, asked),
            Cas::NoRow => Err(Setback::NotConnected),
        }
    }
}

impl From<Setback> for HandOutError {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::NotConnected | Setback::Revoking => Self::NotConnected,
            Setback::StoreUnavailable => Self::StoreUnavailable,
            Setback::Contended => Self::Busy,
            Setback::Unreadable => Self::Undecryptable(Undecryptable(1)),
            Setback::OtherClient => Self::OtherClient,
            Setback::Stopping => Self::Stopping,
            Setback::Internal => Self::Internal,
        }
    }
}
