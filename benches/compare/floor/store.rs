//! SQLite: one thread writes, in one transaction for all waiting writes; reads run on the caller's thread.

use std::{
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

/// Sessions, and one record per user.
pub struct Store {
    reader: Mutex<Connection>,
    writes: Sender<Write>,
}

/// The session and the record of one login.
struct Write {
    session: String,
    user: String,
    record: Vec<u8>,
    saved: oneshot::Sender<()>,
}

impl Store {
    pub fn open(path: &str) -> Self {
        let writer = Connection::open(path).expect("it opens");
        writer
            .execute_batch(
                "PRAGMA journal_mode = wal;
                 PRAGMA synchronous = full;
                 CREATE TABLE sessions (key TEXT PRIMARY KEY, user TEXT NOT NULL) STRICT;
                 CREATE TABLE records (user TEXT PRIMARY KEY, generation INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT;",
            )
            .expect("it is SQL");
        let (sender, receiver) = channel();
        thread::spawn(move || write(writer, &receiver));
        Self { reader: Mutex::new(Connection::open(path).expect("it opens")), writes: sender }
    }

    /// Resolves when the session and the record are on disk. `None` if they cannot be written.
    pub async fn save(&self, session: String, user: String, record: Vec<u8>) -> Option<()> {
        let (saved, result) = oneshot::channel();
        self.writes.send(Write { session, user, record, saved }).ok()?;
        result.await.ok()
    }

    pub fn record_of(&self, session: &str) -> Option<Vec<u8>> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader
            .prepare_cached("SELECT sealed FROM sessions JOIN records USING (user) WHERE key = ?1")
            .and_then(|mut select| select.query_row([session], |row| row.get(0)))
            .ok()
    }
}

fn write(mut connection: Connection, waiting: &Receiver<Write>) {
    while let Ok(first) = waiting.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
        // After a failure, the waiting callers see that their channels are closed.
        if commit(&mut connection, &batch).is_ok() {
            for write in batch {
                // The caller may have been cancelled.
                let _ = write.saved.send(());
            }
        }
    }
}

fn commit(connection: &mut Connection, batch: &[Write]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for Write { session, user, record, .. } in batch {
        transaction.prepare_cached("INSERT INTO sessions (key, user) VALUES (?1, ?2)")?.execute((session, user))?;
        transaction
            .prepare_cached(
                "INSERT INTO records (user, generation, sealed) VALUES (?1, 1, ?2)
                 ON CONFLICT DO UPDATE SET generation = generation + 1, sealed = excluded.sealed",
            )?
            .execute((user, record))?;
    }
    transaction.commit()
}
