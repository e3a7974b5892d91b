//! Refreshes that somebody asks for by name: a person by the button, or a machine whose token was refused.

use std::sync::Arc;

use oauth2::AccessToken;

use crate::store::{RowKey, records::Version};

use super::{HandOutError, HandedOut, MinLife, Vault, flight::Setback, hand_out::Tried, memory::Known, refresh::Why};

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
    pub async fn refresh_now(&self, key: &RowKey, shown: &Version) -> Result<Refreshed, HandOutError> {
        self.0
            .clock
            .timeout(self.0.settings.caller_timeout(), self.press(key, shown))
            .await
            .unwrap_or(Err(HandOutError::Busy))
    }

    async fn press(&self, key: &RowKey, shown: &Version) -> Result<Refreshed, HandOutError> {
        let before = self.current(key).await?;
        if before.record.version() != *shown {
            return Ok(Refreshed::AlreadyNewer);
        }
        loop {
            let why = Why::Button(shown.clone());
            if !before.may_be_sent(&why, &self.0.settings, self.0.clock.now()) {
                return Err(self.why_not(&before, None));
            }
            let tried = self.try_refresh(key, why).await;
            let after = self.current(key).await?;
            if after.record.version() != *shown {
                return Ok(Refreshed::Exchanged);
            }
            let setback = match tried {
                Tried::ByUs(setback) => setback,
                // Twenty people pressed at once, and it failed for all of them.
                Tried::ByOther(setback) if setback.is_some() || after.has_new_trouble(&before) => setback,
                Tried::ByOther(_) | Tried::Later => continue,
                Tried::Never => Some(Setback::StoreUnavailable),
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
    ) -> Result<HandedOut, HandOutError> {
        let replaced = async {
            self.force(key, refused).await?;
            self.hand_out(key, need).await
        };
        self.0.clock.timeout(self.0.settings.caller_timeout(), replaced).await.unwrap_or(Err(HandOutError::Busy))
    }

    async fn force(&self, key: &RowKey, refused: &AccessToken) -> Result<(), HandOutError> {
        loop {
            let known = self.current(key).await?;
            let (now, why) = (self.0.clock.now(), Why::Refused(refused.clone()));
            if self.is_mint()
                || !why.applies(None, &known, &self.0.settings, now)
                || !known.may_be_sent(&why, &self.0.settings, now)
            {
                return Ok(());
            }
            match self.try_refresh(key, why).await {
                Tried::ByOther(None) | Tried::Later => {}
                Tried::ByUs(_) | Tried::ByOther(Some(_)) | Tried::Never => return Ok(()),
            }
        }
    }

    fn why_not(&self, known: &Arc<Known>, setback: Option<Setback>) -> HandOutError {
        if !self.0.settings.upkeep.allows(&known.record.contents.identity) {
            return HandOutError::NotAllowed;
        }
        self.shortcoming(known, setback)
    }
}

impl Known {
    /// Whether an exchange has failed since.
    fn has_new_trouble(&self, before: &Self) -> bool {
        self.record.contents.history.trouble != before.record.contents.history.trouble
    }
}
