use std::{sync::mpsc, thread, time::Duration};

use rusqlite::Connection;
use tokio::{sync::oneshot, time::timeout};

use crate::store::{
    StoreError, StoreLocation, UnavailableReason,
    sqlite::{checkpoint, failure, identity::FileIdentity},
};

/// How long SQLite waits for another process's lock.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a caller waits in all, queue included: what design.md allows a save.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Our statements are short and do not recurse.
const STACK: usize = 256 * 1024;

type Job = Box<dyn FnOnce(&mut OpenStore) + Send>;

/// The connection, and which file it is to; a store in memory has none.
struct OpenStore {
    connection: Connection,
    file: Option<FileIdentity>,
}

/// A connection on a thread of its own, which does one job after the other.
///
/// SQLite has one writer at a time anyway, and a single thread keeps one page cache and one set of prepared
/// statements, where a pool of blocking threads would keep many stacks.
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
                work(OpenStore { connection, file: identity(&place) }, &queue);
            }
        });
        let thread = Some(thread.map_err(|_| StoreError::Stopped { at: at.clone() })?);
        let worker = Self { at, jobs: Some(jobs), thread };
        let more = opening.await.map_err(|_| worker.stopped())??;
        Ok((worker, more))
    }

    /// Runs `job` on the thread. A job whose caller has gone before its turn is left out.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, reply) = oneshot::channel();
        let at = self.at.clone();
        let job: Job = Box::new(move |store| {
            if !answer.is_closed() {
                // A caller that was cancelled meanwhile does not need the answer.
                let _ = answer.send(store.run(at, job));
            }
        });
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(|| self.stopped())?;
        match timeout(RESPONSE_TIMEOUT, reply).await {
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
    /// Waits for the current job, so that the file is closed (and its log checkpointed) once the store is gone.
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has already answered its caller with `Stopped`.
            let _ = thread.join();
        }
    }
}

impl OpenStore {
    /// Nothing is read or written once another file is at the path: what this process would do to the old one, others
    /// would do once more to the new one.
    fn run<T>(
        &mut self,
        at: StoreLocation,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        if self.is_replaced() {
            return Err(StoreError::Replaced { at });
        }
        job(&mut self.connection).map_err(|error| failure::describe(&at, error))
    }

    fn is_replaced(&self) -> bool {
        self.file.as_ref().is_some_and(FileIdentity::is_replaced)
    }
}

fn identity(at: &StoreLocation) -> Option<FileIdentity> {
    match at {
        // A file that is gone already is noticed by the first job of SQLite itself.
        StoreLocation::File(path) => FileIdentity::of(path).ok(),
        StoreLocation::Memory | StoreLocation::Redis { .. } => None,
    }
}

fn work(mut store: OpenStore, queue: &mpsc::Receiver<Job>) {
    for job in queue {
        job(&mut store);
    }
    if !store.is_replaced() {
        // SQLite does so by itself only where no other process has the file open. If it fails, the log is still there.
        let _ = checkpoint(&store.connection);
    }
}
