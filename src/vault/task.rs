//! A task under way, as those see it who wait for it.

use tokio::sync::SetOnce;

use super::flight::{Landing, Setback};

/// First it has a result, and then it ends: in between it may still be writing the result down. Its waiters are woken
/// in the order they came (a `watch` channel wakes them in a random one, and no schedule could be replayed).
#[derive(Debug, Default)]
pub(super) struct Task {
    landing: SetOnce<Landing>,
    ended: SetOnce<()>,
}

impl Task {
    /// Gives the waiters their result. Only the first one counts.
    pub(super) fn land(&self, landing: Landing) {
        // It is refused where there is a result already, which is what is wanted.
        let _ = self.landing.set(landing);
    }

    /// It is over. One that ends without a result was stopped with the process.
    pub(super) fn end(&self) {
        self.land(Err(Setback::Stopping));
        let _ = self.ended.set(());
    }

    /// Whether its result is known.
    pub(super) fn has_landed(&self) -> bool {
        self.landing.initialized()
    }

    /// Waits for its result.
    pub(super) async fn landed(&self) -> Landing {
        self.landing.wait().await.clone()
    }

    /// Waits until the next task can start.
    pub(super) async fn ended(&self) {
        self.ended.wait().await;
    }
}
