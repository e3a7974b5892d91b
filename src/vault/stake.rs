//! What a shutdown must wait for: from writing ahead to the end of saving.

use std::time::Duration;

use tokio::sync::watch;

use super::Vault;

/// How much is at stake, and whether anything new may be.
#[derive(Debug)]
pub(super) struct Stakes(watch::Sender<Count>);

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    open: usize,
    closing: bool,
}

/// One exchange that must be brought to its end. Dropped there.
pub(super) struct Stake(Vault);

impl Default for Stakes {
    fn default() -> Self {
        Self(watch::Sender::new(Count::default()))
    }
}

impl Stake {
    /// Nothing, once the process is on its way out.
    pub(super) fn take(vault: &Vault) -> Option<Self> {
        vault.0.stakes.0.send_if_modified(|count| {
            count.open += usize::from(!count.closing);
            !count.closing
        });
        (!vault.0.stakes.0.borrow().closing).then(|| Self(vault.clone()))
    }
}

impl Drop for Stake {
    fn drop(&mut self) {
        self.0.0.stakes.0.send_modify(|count| count.open -= 1);
    }
}

/// What a shutdown found when it stopped waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every exchange has ended and every set is saved.
    Whole,
    /// So many sets are lost with this process.
    Unsaved(usize),
    /// Every set that arrived is saved, but an exchange has not ended.
    Unended,
}

impl Vault {
    /// How long a shutdown should wait at most: two exchanges and their saving.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.0.settings.grace()
    }

    /// Begins no more exchanges, and waits at most this long for those that were sent and for sets to be saved.
    pub async fn drain(&self, at_most: Duration) -> Drained {
        self.0.stakes.0.send_modify(|count| count.closing = true);
        let mut stakes = self.0.stakes.0.subscribe();
        let none_open = async { stakes.wait_for(|count| count.open == 0).await.is_ok() };
        let waited = self.0.clock.timeout(at_most, none_open).await;
        match (self.unsaved(), waited) {
            (0, Some(_)) => Drained::Whole,
            (0, None) => Drained::Unended,
            (unsaved, _) => Drained::Unsaved(unsaved),
        }
    }

    /// Whether the process is on its way out.
    pub(super) fn is_closing(&self) -> bool {
        self.0.stakes.0.borrow().closing
    }

    /// How many sets are in memory alone, because the store could not be told yet.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.0.memory.unsaved()
    }
}
