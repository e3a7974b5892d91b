//! A job in flight, as its waiters see it.

use std::sync::Arc;

use tokio::sync::SetOnce;

use crate::vault::{error::VaultError, refresh::cached_record::CachedRecord};

/// The record after a job, or `None` if there is nothing that may be handed out: no row, one that is being revoked, a
/// tombstone, or a pending import that is read as a user's row.
pub(crate) type JobResult = Result<Option<Arc<CachedRecord>>, VaultError>;

/// A job first has a result and then finishes; in between it may still be saving. Its waiters are woken in the order in
/// which they started to wait. A `watch` channel would wake them in random order, and the simulation could not replay a
/// schedule.
#[derive(Debug, Default)]
pub(super) struct Task {
    result: SetOnce<JobResult>,
    finished: SetOnce<()>,
}

impl Task {
    /// Gives the waiters their result. Only the first one counts.
    pub(super) fn publish(&self, result: JobResult) {
        // `set` returns an error for a second result, which is not needed.
        let _ = self.result.set(result);
    }

    /// Marks the job as finished. A job that finishes without a result was stopped with the process.
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
