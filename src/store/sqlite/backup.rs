use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::{
    StoreError, StoreLocation,
    backup::BackupError,
    sqlite::{
        failure,
        file::{self, Presence},
        open::accepted,
        schema::FileContents,
        worker::BUSY_TIMEOUT,
    },
};

/// A file that this process created. It is removed when this is dropped.
struct NewFile(PathBuf);

impl NewFile {
    fn create(path: PathBuf) -> Result<Self, BackupError> {
        file::create(&path).map_err(|error| BackupError::writing(&path, error))?;
        Ok(Self(path))
    }

    /// Replaces the other file by this one, after syncing it to the disk.
    fn replace(self, other: Self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        fs::rename(&self.0, &other.0)?;
        let path = other.keep();
        self.keep();
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // An empty path names no file. A failure is ignored, since the first error matters more.
        let _ = fs::remove_file(&self.0);
    }
}

pub(in crate::store) async fn back_up(path: &Path, to: &Path) -> Result<StoreLocation, BackupError> {
    let at = StoreLocation::File(path.into());
    let to = std::path::absolute(to).map_err(|error| BackupError::writing(to, error))?;
    let from = at.clone();
    let path = path.to_owned();
    let copied = tokio::task::spawn_blocking(move || copy(&from, &path, to)).await;
    copied.map_err(|_| StoreError::Stopped { at: at.clone() })??;
    Ok(at)
}

fn copy(at: &StoreLocation, path: &Path, to: PathBuf) -> Result<(), BackupError> {
    let connection = connect(at, path)?;
    let mut partial = OsString::from(&to);
    partial.push(".partial");
    // The file is created first, so that nothing is overwritten at the end. At its path is an empty or a complete file.
    let whole = NewFile::create(to)?;
    let partial = NewFile::create(partial.into())?;
    vacuum_into(&connection, &partial.0).map_err(|error| describe(at, &whole.0, error))?;
    let to = whole.0.clone();
    partial.replace(whole).map_err(|error| BackupError::writing(&to, error))
}

/// Opens an existing store without migrating it. SQLite opens a file that it may not write as read-only, which is enough.
fn connect(at: &StoreLocation, path: &Path) -> Result<Connection, StoreError> {
    if let Presence::Nothing = file::presence(path)? {
        return Err(StoreError::Missing { at: at.clone() });
    }
    let sqlite = |error| failure::describe(at, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(sqlite)?;
    match accepted(at, &connection)? {
        FileContents::Nothing => Err(StoreError::Empty { at: at.clone() }),
        _ => Ok(connection),
    }
}

/// Copies in one read transaction, which the write-ahead log allows beside any writer.
fn vacuum_into(connection: &Connection, file: &Path) -> rusqlite::Result<()> {
    let name = file.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(file.into()))?;
    connection.execute("VACUUM INTO ?1", [name]).map(drop)
}

/// Distinguishes errors of the store from errors of the backup.
fn describe(at: &StoreLocation, to: &Path, error: rusqlite::Error) -> BackupError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            failure::describe(at, error).into()
        }
        _ => BackupError::NotWritten { path: to.into(), source: error.into() },
    }
}
