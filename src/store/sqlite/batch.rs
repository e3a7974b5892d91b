//! Writes that wait at the same time become one transaction, and so one sync of the disk.

use rusqlite::{Connection, Error, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::store::{StoreError, StoreLocation, sqlite::failure};

/// Whether a write must be on the disk before its caller gets a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// It must, since a rotated refresh token exists nowhere else.
    Synced,
    /// A power failure may lose it. The next write that is synced brings it to the disk too.
    Unsynced,
}

/// A write that waits for its transaction.
pub(super) trait Write: Send {
    fn durability(&self) -> Durability;
    /// Whether its caller still waits. Otherwise the write is left out.
    fn is_wanted(&self) -> bool;
    /// Does its work. If its whole transaction fails, it is called again.
    fn apply(&mut self, transaction: &Transaction<'_>) -> Result<(), Failed>;
    /// Sends its caller the result of [`Write::apply`]. It is called after the commit.
    fn answer(self: Box<Self>, at: &StoreLocation);
    /// Sends its caller the error that prevented the commit.
    fn fail(self: Box<Self>, error: StoreError);
}

/// The work of one write failed. The write has the error.
pub(super) struct Failed;

/// The one implementation of [`Write`], for any work.
pub(super) struct Pending<T, F> {
    pub(super) durability: Durability,
    pub(super) work: F,
    pub(super) result: Option<rusqlite::Result<T>>,
    pub(super) reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Write for Pending<T, F>
where
    T: Send,
    F: FnMut(&Transaction<'_>) -> rusqlite::Result<T> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn apply(&mut self, transaction: &Transaction<'_>) -> Result<(), Failed> {
        let result = self.result.insert((self.work)(transaction));
        result.as_ref().map(drop).map_err(|_| Failed)
    }

    fn answer(self: Box<Self>, at: &StoreLocation) {
        if let Some(result) = self.result {
            // A caller that was cancelled in the meantime does not need the result.
            let _ = self.reply.send(result.map_err(|error| failure::describe(at, error)));
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

/// Why nothing of a batch was committed.
enum NotCommitted {
    /// No transaction could be started. That would be the same for each write alone.
    NotStarted(Error),
    /// The whole transaction failed, perhaps because of one of its writes.
    Failed(Error),
}

pub(super) struct Committer {
    pub(super) at: StoreLocation,
    pub(super) connection: Connection,
    durability: Durability,
}

impl Committer {
    /// For a connection that syncs each commit.
    pub(super) fn new(at: StoreLocation, connection: Connection) -> Self {
        Self { at, connection, durability: Durability::Synced }
    }

    /// Commits these writes together, or one by one if that fails, and sends each caller its result.
    pub(super) fn commit(&mut self, mut writes: Vec<Box<dyn Write>>) {
        match self.try_commit(&mut writes) {
            Ok(()) => writes.into_iter().for_each(|write| write.answer(&self.at)),
            Err(NotCommitted::Failed(_)) if writes.len() > 1 => {
                for write in writes {
                    self.commit(vec![write]);
                }
            }
            Err(NotCommitted::NotStarted(error) | NotCommitted::Failed(error)) => {
                for write in writes {
                    write.fail(failure::describe(&self.at, copy(&error)));
                }
            }
        }
    }

    fn try_commit(&mut self, writes: &mut [Box<dyn Write>]) -> Result<(), NotCommitted> {
        let synced = writes.iter().any(|write| write.durability() == Durability::Synced);
        self.set(if synced { Durability::Synced } else { Durability::Unsynced }).map_err(NotCommitted::NotStarted)?;
        in_transaction(&mut self.connection, writes)
    }

    fn set(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.durability != durability {
            let synchronous = match durability {
                Durability::Synced => "full",
                Durability::Unsynced => "normal",
            };
            self.connection.pragma_update(None, "synchronous", synchronous)?;
            self.durability = durability;
        }
        Ok(())
    }
}

fn in_transaction(connection: &mut Connection, writes: &mut [Box<dyn Write>]) -> Result<(), NotCommitted> {
    // Immediate, so that nothing changes between the transaction's reads and writes.
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(NotCommitted::NotStarted)?;
    match writes {
        [write] => {
            if write.apply(&transaction).is_err() {
                // This write has its result; nothing of it is committed.
                return transaction.rollback().or(Ok(()));
            }
        }
        writes => {
            for write in writes {
                in_savepoint(&transaction, &mut **write).map_err(NotCommitted::Failed)?;
            }
        }
    }
    transaction.commit().map_err(NotCommitted::Failed)
}

/// Runs a write in a savepoint, so that a failure undoes only this write.
fn in_savepoint(transaction: &Transaction<'_>, write: &mut dyn Write) -> rusqlite::Result<()> {
    let run = |statement| transaction.prepare_cached(statement)?.execute([]).map(drop);
    run("SAVEPOINT write")?;
    if write.apply(transaction).is_err() {
        // After some errors, such as a full disk, SQLite has ended the whole transaction, and this fails.
        run("ROLLBACK TO write")?;
    }
    run("RELEASE write")
}

/// Copies an error for another caller.
fn copy(error: &Error) -> Error {
    match error {
        Error::SqliteFailure(failure, text) => Error::SqliteFailure(*failure, text.clone()),
        other => Error::ToSqlConversionFailure(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Receiver<Result<(), StoreError>>;

    fn committer() -> Committer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE blobs (bytes BLOB NOT NULL)").unwrap();
        Committer::new(StoreLocation::Memory, connection)
    }

    /// A write of this many bytes.
    fn blob(bytes: u32) -> (Box<dyn Write>, Answer) {
        let (reply, answer) = oneshot::channel();
        let work = move |transaction: &Transaction<'_>| {
            transaction.execute("INSERT INTO blobs VALUES (zeroblob(?1))", [bytes]).map(drop)
        };
        (Box::new(Pending { durability: Durability::Synced, work, result: None, reply }), answer)
    }

    fn commit(committer: &mut Committer, sizes: &[u32]) -> Vec<Result<(), StoreError>> {
        let (writes, answers): (Vec<_>, Vec<_>) = sizes.iter().map(|bytes| blob(*bytes)).unzip();
        committer.commit(writes);
        answers.into_iter().map(|mut answer| answer.try_recv().expect("each write is answered")).collect()
    }

    fn rows(committer: &Committer) -> u32 {
        committer.connection.query_row("SELECT count(*) FROM blobs", [], |row| row.get(0)).unwrap()
    }

    fn limit_pages(committer: &Committer, pages: u32) {
        let set = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
        committer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], set).unwrap();
    }

    #[test]
    fn what_does_not_fit_on_the_disk_fails_and_what_does_is_written() {
        let mut committer = committer();
        limit_pages(&committer, 10);
        let answers = commit(&mut committer, &[10, 1_000_000, 20, 500_000, 30]);
        let full = |answer: &Result<(), StoreError>| matches!(answer, Err(StoreError::Full { .. }));
        assert_eq!(answers.iter().map(full).collect::<Vec<_>>(), [false, true, false, true, false], "{answers:?}");
        assert_eq!(rows(&committer), 3);
        let answers = commit(&mut committer, &[1_000_000, 1_000_000]);
        assert!(answers.iter().all(full), "{answers:?}");
        limit_pages(&committer, 100_000);
        assert!(commit(&mut committer, &[1_000_000, 1_000_000]).iter().all(Result::is_ok));
        assert_eq!(rows(&committer), 5);
    }

    /// As SQLite may do it by itself where the disk is full or fails.
    #[test]
    fn a_write_that_ends_the_whole_transaction_takes_no_other_with_it() {
        let mut committer = committer();
        let trigger = "CREATE TRIGGER ends BEFORE INSERT ON blobs WHEN length(NEW.bytes) = 13
                       BEGIN SELECT RAISE(ROLLBACK, 'no'); END";
        committer.connection.execute_batch(trigger).unwrap();
        let answers = commit(&mut committer, &[1, 13, 2, 13, 3]);
        assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
        assert_eq!(rows(&committer), 3);
    }

    #[test]
    fn a_batch_is_synced_if_any_of_its_writes_is() {
        let mut committer = committer();
        let unsynced = || -> Box<dyn Write> {
            let (reply, answer) = oneshot::channel::<Result<(), StoreError>>();
            drop(answer);
            let work = |_: &Transaction<'_>| Ok(());
            Box::new(Pending { durability: Durability::Unsynced, work, result: None, reply })
        };
        for (writes, synchronous) in [(vec![unsynced()], 1), (vec![unsynced(), blob(1).0, unsynced()], 2)] {
            committer.commit(writes);
            let set = committer.connection.pragma_query_value(None, "synchronous", |row| row.get::<_, u8>(0));
            assert_eq!(set, Ok(synchronous));
        }
    }
}
