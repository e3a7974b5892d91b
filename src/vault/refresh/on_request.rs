//! Refreshes that somebody asks for by name: a person by the button, or a machine whose token was refused.

use std::sync::Arc;

use oauth2::AccessToken;

use crate::{
    store::{RowKey, records::Version},
    vault::{
        HandedOut, MinLife, Vault,
        error::VaultError,
        hand_out::RefreshAttempt,
        refresh::{RefreshReason, cache::CachedRecord},
    },
};

/// What the button did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The set that was shown has been exchanged.
    Exchanged,
    /// It was no longer the current one, and nothing was exchanged for it.
    AlreadyNewer,
}

impl Vault {
    /// The button: exchanges the token set that was shown, unless it is no longer the current one. A dead connection
    /// is tried once more.
    pub async fn refresh_now(&self, key: &RowKey, shown: &Version) -> Result<Refreshed, VaultError> {
        self.0
            .clock
            .timeout(self.0.settings.caller_timeout(), self.press(key, shown))
            .await
            .unwrap_or(Err(VaultError::Busy))
    }

    async fn press(&self, key: &RowKey, shown: &Version) -> Result<Refreshed, VaultError> {
        let before = self.current(key).await?;
        if before.record.version() != *shown {
            return Ok(Refreshed::AlreadyNewer);
        }
        loop {
            let why = RefreshReason::Manual(shown.clone());
            if !before.may_be_sent(&why, &self.0.settings, self.0.clock.now()) {
                return Err(self.why_not(&before, None));
            }
            let tried = self.try_refresh(key, why).await;
            let after = self.current(key).await?;
            if after.record.version() != *shown {
                return Ok(Refreshed::Exchanged);
            }
            let setback = match tried {
                RefreshAttempt::ByUs(setback) => setback,
                // Twenty people pressed at once, and it failed for all of them.
                RefreshAttempt::ByOther(setback) if setback.is_some() || after.has_new_failure(&before) => setback,
                RefreshAttempt::ByOther(_) | RefreshAttempt::Later => continue,
                RefreshAttempt::Never => Some(VaultError::StoreUnavailable),
            };
            return Err(self.why_not(&after, setback));
        }
    }

    /// The API refused this token although it should be good: one forced refresh if it is still the current one, and
    /// then as [`Vault::hand_out`]. If the token that came of it is refused too, there is none for a while.
    pub async fn replace_refused(
        &self,
        key: &RowKey,
        refused: &AccessToken,
        need: MinLife,
    ) -> Result<HandedOut, VaultError> {
        let replaced = async {
            self.force(key, refused).await?;
            self.hand_out(key, need).await
        };
        self.0.clock.timeout(self.0.settings.caller_timeout(), replaced).await.unwrap_or(Err(VaultError::Busy))
    }

    async fn force(&self, key: &RowKey, refused: &AccessToken) -> Result<(), VaultError> {
        loop {
            let cached = self.current(key).await?;
            let (now, why) = (self.0.clock.now(), RefreshReason::TokenRejected(refused.clone()));
            if self.is_mint()
                || !why.applies(None, &cached, &self.0.settings, now)
                || !cached.may_be_sent(&why, &self.0.settings, now)
            {
                return Ok(());
            }
            match self.try_refresh(key, why).await {
                RefreshAttempt::ByOther(None) | RefreshAttempt::Later => {}
                RefreshAttempt::ByUs(_) | RefreshAttempt::ByOther(Some(_)) | RefreshAttempt::Never => return Ok(()),
            }
        }
    }

    fn why_not(&self, cached: &Arc<CachedRecord>, setback: Option<VaultError>) -> VaultError {
        if !self.0.settings.refresh_policy.allows(&cached.record.body.identity) {
            return VaultError::NotAllowed;
        }
        self.shortcoming(cached, setback)
    }
}

impl CachedRecord {
    /// Whether an exchange has failed since.
    fn has_new_failure(&self, before: &Self) -> bool {
        self.record.body.history.failure != before.record.body.history.failure
    }
}
