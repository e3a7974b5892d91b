//! A task under way, as those see it who wait for it.

use tokio::sync::SetOnce;

use crate::vault::{error::VaultError, refresh::single_flight::JobResult};

/// First it has a result, and then it ends: in between it may still be writing the result down. Its waiters are woken
/// in the order they came (a `watch` channel wakes them in a random one, and no schedule could be replayed).
#[derive(Debug, Default)]
pub(crate) struct Task {
    result: SetOnce<JobResult>,
    ended: SetOnce<()>,
}

impl Task {
    /// Gives the waiters their result. Only the first one counts.
    pub(crate) fn publish(&self, result: JobResult) {
        // It is refused where there is a result already, which is what is wanted.
        let _ = self.result.set(result);
    }

    /// It is over. One that ends without a result was stopped with the process.
    pub(crate) fn end(&self) {
        self.publish(Err(VaultError::Stopping));
        let _ = self.ended.set(());
    }

    /// Whether its result is known.
    pub(crate) fn has_landed(&self) -> bool {
        self.result.initialized()
    }

    /// Waits for its result.
    pub(crate) async fn landed(&self) -> JobResult {
        self.result.wait().await.clone()
    }

    /// Waits until the next task can start.
    pub(crate) async fn ended(&self) {
        self.ended.wait().await;
    }
}
