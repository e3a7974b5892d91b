//! A job in flight, as its waiters see it.

use std::sync::Arc;

use tokio::sync::SetOnce;

use crate::vault::{error::VaultError, refresh::cached_record::CachedRecord};

/// What a job found or left: the record as it is now, or nothing that may be handed out (no row, `revoking`, or a
/// tombstone).
pub(crate) type JobResult = Result<Option<Arc<CachedRecord>>, VaultError>;

/// A job first has a result and then finishes; in between it may still be saving. Its waiters are woken in the order in
/// which they came (a `watch` channel wakes them in random order, and the simulation could replay no schedule).
#[derive(Debug, Default)]
pub(super) struct Task {
    result: SetOnce<JobResult>,
    finished: SetOnce<()>,
}

impl Task {
    /// Gives the waiters their result. Only the first one counts.
    pub(super) fn publish(&self, result: JobResult) {
        // `set` refuses a second result, as it should.
        let _ = self.result.set(result);
    }

    /// A job that finishes without a result was stopped with the process.
    pub(super) fn finish(&self) {
        self.publish(Err(VaultError::Stopping));
        let _ = self.finished.set(());
    }

    pub(super) fn has_result(&self) -> bool {
        self.result.initialized()
    }

    pub(super) async fn result(&self) -> JobResult {
        self.result.wait().await.clone()
    }

    /// Waits until the next job can start.
    pub(super) async fn finished(&self) {
        self.finished.wait().await;
    }
}
