//! Refreshes that somebody asks for: a person with the button, or a caller whose token the API rejected.

use oauth2::AccessToken;

use crate::{
    store::{RowKey, records::Version},
    vault::{
        Vault,
        error::VaultError,
        hand_out::{HandedOut, MinLife},
        refresh::{cached_record::CachedRecord, reason::RefreshReason, single_flight::JobOutcome},
    },
};

/// What the button did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The token set that the page showed was exchanged.
    Exchanged,
    /// It was exchanged, but the new access token expires too soon to be of use.
    ExchangedForShort,
    /// That token set was no longer the current one, so nothing was exchanged.
    AlreadyNewer,
}

impl Refreshed {
    /// What an exchange that has just ended brought.
    fn exchanged(after: &CachedRecord) -> Self {
        match after.record.body.history.failure {
            Some(_) => Self::ExchangedForShort,
            None => Self::Exchanged,
        }
    }
}

impl Vault {
    /// The button: exchanges the token set that the page showed, unless it is no longer the current one. A dead
    /// connection is tried once more.
    pub async fn refresh_now(&self, key: &RowKey, shown: &Version) -> Result<Refreshed, VaultError> {
        self.limit_wait(self.refresh_shown(key, shown)).await
    }

    async fn refresh_shown(&self, key: &RowKey, shown: &Version) -> Result<Refreshed, VaultError> {
        let before = self.up_to_date(key).await?;
        if before.record.version() != *shown {
            return Ok(Refreshed::AlreadyNewer);
        }
        if !before.is_allowed(&self.0.settings.refresh_policy) {
            return Err(VaultError::NotAllowed);
        }
        loop {
            let reason = RefreshReason::Manual(shown.clone());
            if !reason.permits(&before, &self.0.settings, self.0.clock.now()) {
                return Err(self.why_not_refreshed(&before, None));
            }
            let outcome = self.refresh_shared(key, reason).await;
            let after = self.up_to_date(key).await?;
            let has_failed = after.has_new_failure(&before);
            if after.record.version() != *shown && !(has_failed && after.has_access_token_of(&before)) {
                return Ok(Refreshed::exchanged(&after));
            }
            let error = match outcome {
                JobOutcome::Started(result) => result.err(),
                // Twenty people pressed at once, and it failed for all of them.
                JobOutcome::Joined(result) if result.is_err() || has_failed => result.err(),
                // The job in flight was another one, or found no reason to refresh.
                JobOutcome::Joined(_) => continue,
            };
            return Err(self.why_not_refreshed(&after, error));
        }
    }

    /// The API rejected this token although it should be valid: one forced refresh if it is still the current one, and
    /// then as [`Vault::hand_out`]. If the new token is rejected too, there is no forced refresh for a while.
    pub async fn replace_rejected(
        &self,
        key: &RowKey,
        rejected: &AccessToken,
        min_life: MinLife,
    ) -> Result<HandedOut, VaultError> {
        self.limit_wait(async {
            self.force_refresh(key, rejected).await?;
            self.hand_out(key, min_life).await
        })
        .await
    }

    async fn force_refresh(&self, key: &RowKey, rejected: &AccessToken) -> Result<(), VaultError> {
        loop {
            let cached = self.up_to_date(key).await?;
            let (now, reason) = (self.0.clock.now(), RefreshReason::TokenRejected(rejected.clone()));
            if !reason.applies(None, &cached, &self.0.settings, now) || !reason.permits(&cached, &self.0.settings, now)
            {
                return Ok(());
            }
            match self.refresh_shared(key, reason).await {
                JobOutcome::Joined(Ok(_)) => {}
                JobOutcome::Started(_) | JobOutcome::Joined(Err(_)) => return Ok(()),
            }
        }
    }
}
