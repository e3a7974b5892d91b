//! Runs at most one job of each kind on a record at a time. A job runs in its own task, so a caller's disconnect does
//! not cancel it (docs/vault.md, rule 2).

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use crate::{
    store::RowKey,
    telemetry,
    vault::{
        Vault,
        error::VaultError,
        refresh::{
            cache::{JobKind, Join},
            task::{JobResult, Task},
        },
        store_call::STORE_TIMEOUT,
    },
};

/// A job on one record. Dropping it lets the next one start.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) vault: Vault,
    pub(crate) key: RowKey,
    kind: JobKind,
    task: Arc<Task>,
}

/// The result of a job, and whether this caller started it.
pub(crate) enum JobOutcome {
    Started(JobResult),
    /// Another caller started it, perhaps for another reason.
    Joined(JobResult),
}

impl JobOutcome {
    pub(crate) fn into_result(self) -> JobResult {
        match self {
            Self::Started(result) | Self::Joined(result) => result,
        }
    }
}

impl Vault {
    /// Joins the job of this kind, or starts `work` as one.
    pub(crate) async fn run_shared<W, F>(&self, key: &RowKey, kind: JobKind, work: W) -> JobOutcome
    where
        W: FnOnce(Arc<Job>) -> F,
        F: Future<Output = JobResult> + Send + 'static,
    {
        loop {
            match self.0.cache.join(key, kind) {
                Join::Start(task) => return JobOutcome::Started(self.start(key, kind, task, work).await),
                Join::InFlight(task) => return JobOutcome::Joined(task.result().await),
                // A job that needs longer than this to finish is waiting for a store that does not respond.
                Join::Finishing(task) => {
                    if self.0.clock.timeout(STORE_TIMEOUT, task.finished()).await.is_none() {
                        return JobOutcome::Joined(Err(VaultError::StoreUnavailable));
                    }
                }
            }
        }
    }

    /// Waits for the write job in flight, if there is one, and then starts `work` as a write job.
    pub(crate) async fn run_alone<W, F>(&self, key: &RowKey, work: W) -> JobResult
    where
        W: FnOnce(Arc<Job>) -> F,
        F: Future<Output = JobResult> + Send + 'static,
    {
        loop {
            match self.0.cache.join(key, JobKind::Write) {
                Join::Start(task) => return self.start(key, JobKind::Write, task, work).await,
                Join::InFlight(task) | Join::Finishing(task) => task.finished().await,
            }
        }
    }

    async fn start<W, F>(&self, key: &RowKey, kind: JobKind, task: Arc<Task>, work: W) -> JobResult
    where
        W: FnOnce(Arc<Job>) -> F,
        F: Future<Output = JobResult> + Send + 'static,
    {
        let job = Arc::new(Job { vault: self.clone(), key: key.clone(), kind, task: Arc::clone(&task) });
        let guard = match kind {
            JobKind::Read => None,
            JobKind::Write => match self.0.in_flight.start() {
                Some(guard) => Some(guard),
                // Dropping the job gives its waiters the same error.
                None => return Err(VaultError::Stopping),
            },
        };
        let work = work(Arc::clone(&job));
        tokio::spawn(async move {
            let _guard = guard;
            job.publish(catch_panic(work).await);
        });
        task.result().await
    }
}

/// Logs a panic in the job with its cause, and turns it into an internal error.
async fn catch_panic(work: impl Future<Output = JobResult>) -> JobResult {
    let mut work = pin!(work);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|payload| {
            tracing::error!(cause = telemetry::panic_cause(&*payload), "a job on a record panicked");
            Poll::Ready(Err(VaultError::Internal))
        })
    })
    .await
}

impl Job {
    /// Gives the waiters their result. Only the first one counts. The job may continue, for example to save the result.
    pub(crate) fn publish(&self, result: JobResult) {
        self.task.publish(result);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.vault.0.cache.leave(&self.key, self.kind);
        self.task.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        assert!(matches!(catch_panic(async { panic!("a bug") }).await, Err(VaultError::Internal)));
        assert!(matches!(catch_panic(async { Err(VaultError::Busy) }).await, Err(VaultError::Busy)));
    }
}
