//! The two ends of a connection: revoked at the provider, or only forgotten here. Both leave a tombstone.

use oauth2::RefreshToken;

use crate::store::{
    RowKey,
    records::{Change, State, Swap, Version},
};

use super::{
    Grave, HandOutError, Record, Undecryptable, Vault,
    flight::{Flight, Landing, Setback},
    lease::{Hold, LEASE_TRIES, is_lease_lost},
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
        let landing = self.fly_alone(key, |flight| async move { flight.end(shown, ending).await });
        match landing.await {
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

impl Flight {
    async fn end(&self, shown: Option<Version>, ending: Ending) -> Landing {
        for _ in 0..LEASE_TRIES {
            let mut hold = match self.take_lease(|_, _| None).await {
                Ok(hold) => hold,
                Err(landing) => return landing,
            };
            let landing = self.end_under(&mut hold, shown.as_ref(), ending).await;
            self.release(&hold).await;
            if !is_lease_lost(&landing) {
                return landing;
            }
        }
        Err(Setback::Contended)
    }

    async fn end_under(&self, hold: &mut Hold, shown: Option<&Version>, ending: Ending) -> Landing {
        if hold.row.state == State::Tombstone || shown.is_some_and(|shown| *shown != hold.row.version) {
            return self.adopt(&hold.row, hold.asked);
        }
        let record = Record::of_row(&self.vault.0.keys, &hold.row)?;
        if let (Ending::Revoke, Some(token)) = (ending, &record.contents.tokens.refresh_token) {
            if record.contents.issuer != self.vault.0.settings.issuer {
                return Err(Setback::OtherClient);
            }
            self.mark(hold).await?;
            self.post(token).await?;
        }
        self.bury(hold, &record).await
    }

    /// Nothing is handed out from here.
    async fn mark(&self, hold: &mut Hold) -> Result<(), Setback> {
        let asked = self.vault.0.clock.boot_time();
        let mark = Change { state: State::Revoking, due: None, ..hold.reopened(None) };
        match self.swap_under(hold, &mark).await? {
            Swap::Done => {
                hold.row.apply(&mark);
                self.vault.0.memory.forget(&self.key, asked);
                Ok(())
            }
            Swap::Moved(_) => Err(Setback::Contended),
            Swap::Missing => Err(Setback::NotConnected),
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
    async fn bury(&self, hold: &Hold, record: &Record) -> Landing {
        let asked = self.vault.0.clock.boot_time();
        let grave = Grave::of(record, self.vault.0.clock.now());
        let sealed = Some(grave.sealed(&self.vault.0.keys, &self.key, &hold.row.version));
        let tombstone = Change { state: State::Tombstone, due: None, sealed, ..hold.reopened(None) };
        match self.swap_under(hold, &tombstone).await? {
            Swap::Done => {
                self.vault.0.memory.forget(&self.key, asked);
                Err(Setback::NotConnected)
            }
            Swap::Moved(row) if hold.has_lost_only_the_lease(&row) => Err(Setback::Contended),
            Swap::Moved(row) => self.adopt(&row, asked),
            Swap::Missing => Err(Setback::NotConnected),
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
