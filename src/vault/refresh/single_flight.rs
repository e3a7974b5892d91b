//! A job on one record. It runs in its own task, so a caller's disconnect does not cancel it (docs/vault.md, rule 2).

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use crate::{
    store::{
        RowKey,
        records::{Owner, Row, State},
    },
    telemetry,
    vault::{
        Record, Vault,
        error::VaultError,
        refresh::{
            cache::{CachedRecord, JoinResult, Kind},
            task::Task,
        },
    },
};

/// What the waiters get.
pub(crate) type JobResult = Result<Arc<CachedRecord>, VaultError>;

/// One task at work on one record.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) vault: Vault,
    pub(crate) key: RowKey,
    kind: Kind,
    task: Arc<Task>,
}

/// How a caller got a result.
pub(crate) enum Joined {
    /// By the caller's own task.
    Own(JobResult),
    /// By one that was under way.
    Shared(JobResult),
    /// It could not start: an earlier one, which had this result, is still busy writing it down.
    Busy(JobResult, Arc<Task>),
}

impl Vault {
    /// Joins the task of this kind, or starts `work` as one.
    pub(crate) async fn run_shared<W, F>(&self, key: &RowKey, kind: Kind, work: W) -> Joined
    where
        W: FnOnce(Arc<Job>) -> F,
        F: Future<Output = JobResult> + Send + 'static,
    {
        match self.0.memory.join(key, kind) {
            JoinResult::Finishing(task) => Joined::Busy(task.landed().await, task),
            JoinResult::Join(task) => Joined::Shared(task.landed().await),
            JoinResult::Start(task) => Joined::Own(self.start(key, kind, task, work).await),
        }
    }

    /// As [`Vault::run_shared`], but waits for whatever is under way and then starts its own.
    pub(crate) async fn run_alone<W, F>(&self, key: &RowKey, work: W) -> JobResult
    where
        W: FnOnce(Arc<Job>) -> F,
        F: Future<Output = JobResult> + Send + 'static,
    {
        loop {
            match self.0.memory.join(key, Kind::Work) {
                JoinResult::Join(task) | JoinResult::Finishing(task) => task.ended().await,
                JoinResult::Start(task) => return self.start(key, Kind::Work, task, work).await,
            }
        }
    }

    async fn start<W, F>(&self, key: &RowKey, kind: Kind, task: Arc<Task>, work: W) -> JobResult
    where
        W: FnOnce(Arc<Job>) -> F,
        F: Future<Output = JobResult> + Send + 'static,
    {
        let job = Job { vault: self.clone(), key: key.clone(), kind, task: Arc::clone(&task) };
        let guard = match kind {
            Kind::Look => None,
            Kind::Work => match self.0.in_flight.start() {
                Some(guard) => Some(guard),
                // The flight is dropped here, and tells those who wait.
                None => return Err(VaultError::Stopping),
            },
        };
        let job = Arc::new(job);
        let work = work(Arc::clone(&job));
        tokio::spawn(async move {
            let _guard = guard;
            job.publish(unwound(work).await);
        });
        task.landed().await
    }
}

/// What the work comes to. A panic in it is logged with its cause, and told as an internal error.
async fn unwound(work: impl Future<Output = JobResult>) -> JobResult {
    let mut work = pin!(work);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|payload| {
            tracing::error!(cause = telemetry::panic_cause(&*payload), "the work on a record panicked");
            Poll::Ready(Err(VaultError::Internal))
        })
    })
    .await
}

impl Job {
    /// Gives the waiters their result. The task may go on writing it down; only the first result counts.
    pub(crate) fn publish(&self, result: JobResult) {
        self.task.publish(result);
    }

    /// Takes over a row as the store showed it when asked at that time.
    pub(crate) fn adopt(&self, row: &Row, asked: std::time::Duration) -> JobResult {
        let memory = &self.vault.0.memory;
        let hidden = match row.state {
            State::Live | State::Dead | State::Blocked => false,
            State::Pending => !self.key.is_import(),
            State::Revoking | State::Tombstone => true,
        };
        if hidden {
            memory.forget(&self.key, asked);
            return Err(VaultError::NotConnected);
        }
        let record = Record::of_row(&self.vault.0.keys, row)?;
        let cached = Arc::new(CachedRecord { record, state: row.state, limits: row.limits });
        memory.insert_if_newer(&self.key, Arc::clone(&cached), asked);
        Ok(cached)
    }

    /// A name for one claim, never used before.
    pub(crate) fn new_owner(&self) -> Owner {
        let serial = self.vault.0.serial.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Owner(format!("{}#{serial}", self.vault.0.settings.process))
    }

    /// Whether a claim was made by this process. One task at a time works on a record, so whoever asks this has
    /// found something that an earlier one left behind.
    pub(crate) fn is_ours(&self, owner: &Owner) -> bool {
        owner.0.rsplit_once('#').is_some_and(|(process, _)| process == self.vault.0.settings.process)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.vault.0.memory.leave(&self.key, self.kind);
        self.task.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        assert!(matches!(unwound(async { panic!("a bug") }).await, Err(VaultError::Internal)));
        assert!(matches!(unwound(async { Err(VaultError::Busy) }).await, Err(VaultError::Busy)));
    }
}
