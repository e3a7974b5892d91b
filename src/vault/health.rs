//! Whether this process can do its work, for whoever routes requests to it.

use crate::store::RowKey;

use super::{
    Vault,
    settings::{STORE_TIMEOUT, Upkeep},
};

/// A key that no row has: to ask for it shows that the store answers.
const NOBODY: &str = "nobody";

/// How well this process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// All is well.
    Good,
    /// It serves, but somebody should look.
    Degraded(Ailment),
    /// It cannot serve.
    Unfit(Ailment),
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// So many token sets are in memory alone.
    Unsaved(usize),
    /// The store does not answer.
    StoreDown,
    /// The keeper has not begun, or has stopped.
    KeeperSilent,
    /// The process is on its way out.
    Draining,
}

impl std::fmt::Display for Ailment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsaved(1) => f.write_str("one token set is not saved yet"),
            Self::Unsaved(count) => write!(f, "{count} token sets are not saved yet"),
            Self::StoreDown => f.write_str("the store does not answer"),
            Self::KeeperSilent => f.write_str("the keeper shows no sign of life"),
            Self::Draining => f.write_str("stopping"),
        }
    }
}

impl Vault {
    /// Looks at itself and asks the store one small thing.
    pub async fn health(&self) -> Health {
        if self.is_closing() {
            return Health::Unfit(Ailment::Draining);
        }
        if matches!(self.0.settings.upkeep, Upkeep::Vault(_)) && !self.keeper_alive() {
            return Health::Unfit(Ailment::KeeperSilent);
        }
        let nobody = RowKey(NOBODY.to_owned());
        let asked = self.0.store.peek(&nobody);
        if !matches!(self.0.clock.timeout(STORE_TIMEOUT, asked).await, Some(Ok(_))) {
            let can_serve = self.0.memory.has_token(self.0.clock.now());
            return if can_serve { Health::Degraded } else { Health::Unfit }(Ailment::StoreDown);
        }
        match self.unsaved() {
            0 => Health::Good,
            unsaved => Health::Degraded(Ailment::Unsaved(unsaved)),
        }
    }
}
