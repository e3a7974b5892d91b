//! Whether this process can serve requests.

use crate::{
    store::{RowKey, StoreError, Unwritable},
    vault::{Vault, store_call::StoreFailure},
};

/// A key that no row has. Reading it shows that the store responds.
const NO_KEY: &str = "nobody";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Good,
    /// It can, but someone should look into this.
    Degraded(Unready),
    Unready(Unready),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unready {
    /// This many token sets exist only in memory.
    Unsaved(usize),
    StoreDown,
    /// The database file was replaced while this process has the old one open.
    StoreReplaced,
    StoreUnwritable(Unwritable),
    KeeperInactive,
    Draining,
}

impl std::fmt::Display for Unready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsaved(1) => f.write_str("one token set is not saved yet"),
            Self::Unsaved(count) => write!(f, "{count} token sets are not saved yet"),
            Self::StoreDown => f.write_str("the store does not answer"),
            Self::StoreReplaced => {
                f.write_str("the database file was replaced while the program ran: start the program again")
            }
            Self::StoreUnwritable(Unwritable::Full) => f.write_str("the store is full"),
            Self::StoreUnwritable(Unwritable::ReadOnly) => f.write_str("the store is read-only"),
            Self::KeeperInactive => f.write_str("the keeper shows no sign of life"),
            Self::Draining => f.write_str("stopping"),
        }
    }
}

impl Vault {
    /// Checks the keeper, the store and what is unsaved.
    pub(crate) async fn health(&self) -> Health {
        if self.is_closing() {
            return Health::Unready(Unready::Draining);
        }
        if !self.0.settings.refresh_policy.is_manual() && !self.is_keeper_active() {
            return Health::Unready(Unready::KeeperInactive);
        }
        let key = RowKey(NO_KEY.to_owned());
        let down = match self.try_store(self.0.store.peek(&key)).await {
            Ok(_) => None,
            Err(StoreFailure::Failed(StoreError::Replaced { .. })) => Some(Unready::StoreReplaced),
            Err(StoreFailure::Failed(_) | StoreFailure::TimedOut) => Some(Unready::StoreDown),
        };
        if let Some(down) = down {
            let can_serve = self.0.cache.has_valid_token(self.0.clock.now());
            return if can_serve { Health::Degraded } else { Health::Unready }(down);
        }
        match (self.unsaved(), self.unwritable().await) {
            (0, None) => Health::Good,
            (0, Some(unwritable)) => Health::Degraded(Unready::StoreUnwritable(unwritable)),
            (unsaved, _) => Health::Degraded(Unready::Unsaved(unsaved)),
        }
    }

    async fn unwritable(&self) -> Option<Unwritable> {
        match self.try_store(self.0.store.check_writes()).await {
            Err(StoreFailure::Failed(error)) => Unwritable::of(&error),
            Ok(()) | Err(StoreFailure::TimedOut) => None,
        }
    }
}
