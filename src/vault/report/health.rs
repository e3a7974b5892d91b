//! Whether this process can do its work, for whoever routes requests to it.

use crate::{
    store::{RowKey, StoreError, Unwritable},
    vault::{Vault, settings::RefreshPolicy, store_call::StoreFailure},
};

/// A key that no row has: to ask for it shows that the store answers.
const NOBODY: &str = "nobody";

/// How well this process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Good,
    /// It serves, but somebody should look.
    Degraded(Unready),
    /// It cannot serve.
    Unfit(Unready),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unready {
    /// So many token sets are in memory alone.
    Unsaved(usize),
    /// The store does not answer.
    StoreDown,
    /// The file of the store was replaced while this process has the old one open.
    StoreReplaced,
    /// The store takes no writes.
    StoreUnwritable(Unwritable),
    /// The keeper has not begun, or has stopped.
    KeeperSilent,
    /// The process is on its way out.
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
            Self::KeeperSilent => f.write_str("the keeper shows no sign of life"),
            Self::Draining => f.write_str("stopping"),
        }
    }
}

impl Vault {
    /// Looks at itself and asks the store one small thing.
    pub async fn health(&self) -> Health {
        if self.is_closing() {
            return Health::Unfit(Unready::Draining);
        }
        if matches!(self.0.settings.refresh_policy, RefreshPolicy::Automatic(_)) && !self.keeper_alive() {
            return Health::Unfit(Unready::KeeperSilent);
        }
        let nobody = RowKey(NOBODY.to_owned());
        let down = match self.try_store(self.0.store.peek(&nobody)).await {
            Ok(_) => None,
            Err(StoreFailure::Failed(StoreError::Replaced { .. })) => Some(Unready::StoreReplaced),
            Err(StoreFailure::Failed(_) | StoreFailure::TimedOut) => Some(Unready::StoreDown),
        };
        if let Some(down) = down {
            let can_serve = self.0.memory.has_token(self.0.clock.now());
            return if can_serve { Health::Degraded } else { Health::Unfit }(down);
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
