use std::{sync::mpsc, thread, time::Duration};

use rusqlite::{Connection, Transaction};
use tokio::{sync::oneshot, time::timeout};

use crate::store::{
    StoreError, StoreLocation, UnavailableReason,
    sqlite::{
        batch::{Committer, Durability, Pending, Write},
        failure,
        identity::FileIdentity,
        maintenance::checkpoint,
    },
};

/// How long SQLite waits for another process's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a caller waits at most, including the time in the queue.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The stack of the thread. The statements are short and do not recurse.
const STACK: usize = 256 * 1024;
/// The most jobs of one round. Its writes become one transaction.
const ROUND: usize = 128;

enum Job {
    /// Runs outside of any transaction, or starts its own.
    Alone(Box<dyn FnOnce(&mut OpenStore) + Send>),
    Write(Box<dyn Write>),
}

/// The connection, and its file. A store in memory has none.
struct OpenStore {
    committer: Committer,
    file: Option<FileIdentity>,
    /// Whether another file was at the path when it was last checked.
    is_replaced: bool,
}

/// A connection on a thread of its own. It does one job after the other, but all waiting writes in one transaction.
///
/// SQLite allows only one writer at a time. A single thread needs one page cache, one set of prepared statements and one
/// stack, where a pool of blocking threads would need many.
#[derive(Debug)]
pub(super) struct Worker {
    at: StoreLocation,
    /// Taken when dropped, which ends the thread.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread and opens the connection there.
    pub(super) async fn start<T: Send + 'static>(
        at: StoreLocation,
        open: impl FnOnce() -> Result<(Connection, T), StoreError> + Send + 'static,
    ) -> Result<(Self, T), StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, opening) = oneshot::channel();
        let place = at.clone();
        let thread = thread::Builder::new().name("sqlite".into()).stack_size(STACK).spawn(move || {
            let (connection, result) = match open() {
                Ok((connection, more)) => (Some(connection), Ok(more)),
                Err(error) => (None, Err(error)),
            };
            if opened.send(result).is_ok()
                && let Some(connection) = connection
            {
                let file = identity(&place);
                let store = OpenStore { committer: Committer::new(place, connection), file, is_replaced: false };
                work(store, &queue);
            }
        });
        let thread = Some(thread.map_err(|_| StoreError::Stopped { at: at.clone() })?);
        let worker = Self { at, jobs: Some(jobs), thread };
        let more = opening.await.map_err(|_| worker.stopped())??;
        Ok((worker, more))
    }

    /// Runs `job` outside of any transaction. A job whose caller no longer waits is left out.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Alone(Box::new(move |store| {
            if !reply.is_closed() {
                // A caller that was cancelled in the meantime does not need the result.
                let _ = reply.send(store.run(job));
            }
        }));
        self.send(job, answer).await
    }

    /// Runs `work` in a transaction, which others may share, and again if that transaction fails. It is committed when this
    /// returns.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { durability, work, result: None, reply };
        self.send(Job::Write(Box::new(pending)), answer).await
    }

    async fn send<T>(&self, job: Job, answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(|| self.stopped())?;
        match timeout(RESPONSE_TIMEOUT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(self.stopped()),
            Err(_) => {
                Err(StoreError::Unavailable { at: self.at.clone(), reason: UnavailableReason::Busy, source: None })
            }
        }
    }

    fn stopped(&self) -> StoreError {
        StoreError::Stopped { at: self.at.clone() }
    }
}

impl Drop for Worker {
    /// Waits for the current job, so that the file is closed, and its log checkpointed, when the store has been dropped.
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, its caller has got `Stopped` already.
            let _ = thread.join();
        }
    }
}

impl OpenStore {
    /// Runs a job, unless another file is at the path: other processes use that one, so they could send a refresh token
    /// again that this process sends.
    fn run<T>(&mut self, job: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        if self.is_replaced {
            return Err(StoreError::Replaced { at: self.committer.at.clone() });
        }
        job(&mut self.committer.connection).map_err(|error| failure::describe(&self.committer.at, error))
    }

    fn commit(&mut self, mut writes: Vec<Box<dyn Write>>) {
        writes.retain(|write| write.is_wanted());
        if self.is_replaced {
            for write in writes {
                write.fail(StoreError::Replaced { at: self.committer.at.clone() });
            }
        } else if !writes.is_empty() {
            self.committer.commit(writes);
        }
    }

    fn check_file(&mut self) {
        self.is_replaced = self.file.as_ref().is_some_and(FileIdentity::is_replaced);
    }
}

fn identity(at: &StoreLocation) -> Option<FileIdentity> {
    match at {
        // If the file is missing already, SQLite fails at the first job.
        StoreLocation::File(path) => FileIdentity::of(path).ok(),
        StoreLocation::Memory | StoreLocation::Redis { .. } => None,
    }
}

/// Does the waiting jobs: first those that are no writes, since they are quick, then all writes in one transaction.
fn work(mut store: OpenStore, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let (mut alone, mut writes) = (Vec::new(), Vec::new());
        for job in std::iter::once(first).chain(queue.try_iter()).take(ROUND) {
            match job {
                Job::Alone(job) => alone.push(job),
                Job::Write(write) => writes.push(write),
            }
        }
        // The file is checked once for all jobs of a kind: most jobs are reads, which take hardly longer than the check.
        if !alone.is_empty() {
            store.check_file();
            for job in alone {
                job(&mut store);
            }
        }
        if !writes.is_empty() {
            store.check_file();
            store.commit(writes);
        }
    }
    store.check_file();
    if !store.is_replaced {
        // SQLite does this by itself only if no other process has the file open. If it fails, nothing is lost.
        let _ = checkpoint(&store.committer.connection);
    }
}
