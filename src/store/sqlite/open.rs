use std::{path::Path, sync::Arc, thread, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::{
    CanCreate, IfMissing, Inspection, OpenedStore, StoreError, StoreLocation, StoreOrigin, StoreRisk, StoreStatus,
    sqlite::{
        failure,
        file::{self, Presence},
        maintenance::{checkpoint, probe},
        schema::{self, FileContents},
        store::SqliteStore,
        worker::{BUSY_TIMEOUT, Worker},
    },
    unwritable::LastFailure,
};

/// In KiB. The rows are few and small, and the system caches the file as well.
const PAGE_CACHE: i32 = -256;
/// More than the number of statements in this module.
const STATEMENTS: usize = 32;
/// Together, the tries to switch to the write-ahead log take about as long as SQLite waits for a lock.
const SWITCH_TRIES: u32 = 200;
const SWITCH_PAUSE: Duration = BUSY_TIMEOUT.checked_div(SWITCH_TRIES).expect("it is tried at least once");

pub(in crate::store) async fn open_memory() -> Result<OpenedStore, StoreError> {
    let (worker, origin) = Worker::start(StoreLocation::Memory, || {
        let sqlite = |error| failure::describe(&StoreLocation::Memory, error);
        let mut connection = Connection::open_in_memory().map_err(sqlite)?;
        tune(&connection).map_err(sqlite)?;
        let origin = schema::migrate(&mut connection).map_err(sqlite)?;
        Ok((connection, origin))
    })
    .await?;
    Ok(opened(worker, StoreLocation::Memory, origin, vec![StoreRisk::NotPersistent]))
}

pub(in crate::store) async fn open(path: &Path, missing: IfMissing) -> Result<OpenedStore, StoreError> {
    let file = path.to_owned();
    let (worker, (origin, risks)) =
        Worker::start(StoreLocation::File(path.into()), move || open_file(&file, missing)).await?;
    Ok(opened(worker, StoreLocation::File(path.into()), origin, risks))
}

fn opened(worker: Worker, at: StoreLocation, origin: StoreOrigin, risks: Vec<StoreRisk>) -> OpenedStore {
    let store = Arc::new(SqliteStore { worker, last_failure: LastFailure::default() });
    OpenedStore { store, at, origin, risks }
}

fn open_file(path: &Path, missing: IfMissing) -> Result<(Connection, (StoreOrigin, Vec<StoreRisk>)), StoreError> {
    file::ensure(path, missing)?;
    let at = StoreLocation::File(path.into());
    let sqlite = |error| failure::describe(&at, error);
    let mut connection = connect(&at, path)?;
    // Before anything is changed, so that a file of another program stays as it is.
    let contents = accepted(&at, &connection)?;
    let risks = risks(path, contents);
    match (contents, missing) {
        (FileContents::Nothing, IfMissing::Refuse) if file::is_empty(path) => return Err(StoreError::Missing { at }),
        (FileContents::Nothing, IfMissing::Refuse) => return Err(StoreError::Empty { at }),
        _ => switch_to_write_ahead_log(&connection).map_err(sqlite)?,
    }
    tune(&connection).map_err(sqlite)?;
    let origin = schema::migrate(&mut connection).map_err(sqlite)?;
    checkpoint(&connection).map_err(sqlite)?;
    Ok((connection, (origin, risks)))
}

/// The risks of the store, as it was before this program changed anything.
fn risks(path: &Path, contents: FileContents) -> Vec<StoreRisk> {
    let empty = contents == FileContents::Nothing && !file::is_empty(path);
    let empty = empty.then(|| StoreRisk::EmptyFile { path: path.into() });
    file::risks(path).into_iter().chain(empty).collect()
}

pub(in crate::store) async fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    let path = path.to_owned();
    let at = StoreLocation::File(path.clone());
    let looked = tokio::task::spawn_blocking(move || inspect_file(&path)).await;
    let (status, risks) = looked.map_err(|_| StoreError::Stopped { at: at.clone() })??;
    Ok(Inspection { at, status, risks })
}

fn inspect_file(path: &Path) -> Result<(StoreStatus, Vec<StoreRisk>), StoreError> {
    let at = StoreLocation::File(path.into());
    if let Presence::Nothing = file::presence(path)? {
        return Ok((StoreStatus::Missing(file::room(path)), file::risks(path)));
    }
    let mut connection = connect(&at, path)?;
    let contents = accepted(&at, &connection)?;
    probe(&mut connection).map_err(|error| failure::describe(&at, error))?;
    let status =
        if contents == FileContents::Nothing { StoreStatus::Missing(CanCreate::Yes) } else { StoreStatus::Writable };
    Ok((status, risks(path, contents)))
}

/// Opens an existing file. SQLite must not create it, since file.rs does so with the right mode.
fn connect(at: &StoreLocation, path: &Path) -> Result<Connection, StoreError> {
    let sqlite = |error| failure::describe(at, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    // SQLite opens a file that it may only read without an error.
    if connection.is_readonly("main").map_err(sqlite)? {
        return Err(StoreError::NotWritable { at: at.clone(), source: None });
    }
    Ok(connection)
}

/// The contents, if they are empty or of this program.
pub(super) fn accepted(at: &StoreLocation, connection: &Connection) -> Result<FileContents, StoreError> {
    match schema::contents(connection).map_err(|error| failure::describe(at, error))? {
        FileContents::Newer(found) => Err(StoreError::Newer { at: at.clone(), found, known: schema::known() }),
        FileContents::Foreign => Err(StoreError::Foreign { at: at.clone() }),
        contents @ (FileContents::Nothing | FileContents::Known) => Ok(contents),
    }
}

/// Retries by itself, because SQLite's busy timeout does not apply if two connections switch a new file at once.
fn switch_to_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let switch = || connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()));
    let mut switched = switch();
    for _ in 1..SWITCH_TRIES {
        if !switched.as_ref().is_err_and(|error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)) {
            break;
        }
        thread::sleep(SWITCH_PAUSE);
        switched = switch();
    }
    connection.busy_timeout(BUSY_TIMEOUT)?;
    switched
}

fn tune(connection: &Connection) -> rusqlite::Result<()> {
    // A confirmed write must be on the disk, since a rotated refresh token exists nowhere else.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "cache_size", PAGE_CACHE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}
