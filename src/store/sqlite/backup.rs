use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::process::geteuid;

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

/// What a database file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The file that is written, beside the name that it gets when it is whole. The lock ends with this process, so a file
/// without one was left by a process that was killed, and is written again.
struct Partial {
    path: PathBuf,
    /// Open, and so locked, until the end.
    file: File,
}

impl Partial {
    fn create(to: &Path) -> Result<Self, BackupError> {
        let path = with_suffix(to, ".partial");
        let writing = |error| BackupError::writing(to, error);
        loop {
            let mut open = OpenOptions::new();
            open.read(true).write(true).create(true).truncate(false).mode(file::MODE).custom_flags(libc::O_NOFOLLOW);
            let file = open.open(&path).map_err(writing)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(BackupError::UnderWay(to.into())),
                // Where files cannot be locked, two backups of one name at once are two that fail.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            match Found::at(&path, &file).map_err(writing)? {
                Found::Unfinished => {
                    file.set_permissions(Permissions::from_mode(file::MODE)).map_err(writing)?;
                    file.set_len(0).map_err(writing)?;
                    // SQLite's, of the process that was killed.
                    match fs::remove_file(with_suffix(&path, "-journal")) {
                        Err(error) if error.kind() != ErrorKind::NotFound => return Err(writing(error)),
                        Ok(()) | Err(_) => {}
                    }
                    return Ok(Self { path, file });
                }
                Found::Published => fs::remove_file(&path).map_err(writing)?,
                Found::Gone => {}
                Found::NotOurs => return Err(BackupError::Exists(path)),
            }
        }
    }

    /// Gets its name, unless another file has it, with all that is in it on the disk.
    fn publish(self, to: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        match fs::hard_link(&self.path, to) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                // This file system has no hard links. The new file is the name's claim, and empty for a moment.
                file::create(to)?;
                fs::rename(&self.path, to)?;
            }
            linked => linked?,
        }
        to.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

impl Drop for Partial {
    fn drop(&mut self) {
        // What cannot be removed is not worth a second error, and the next backup writes it again.
        let _ = fs::remove_file(&self.path);
    }
}

/// What has the name of a partial file.
enum Found {
    /// A file of this user that is empty, or the start of a database.
    Unfinished,
    /// A whole backup, which has its name too: a process was killed before it removed this one.
    Published,
    /// Another file than the one that was opened: the process that had the lock has finished.
    Gone,
    /// A file that no backup of this user left.
    NotOurs,
}

impl Found {
    fn at(path: &Path, file: &File) -> io::Result<Self> {
        let opened = file.metadata()?;
        match path.symlink_metadata() {
            Ok(named) if (named.dev(), named.ino()) == (opened.dev(), opened.ino()) => {}
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(_) | Err(_) => return Ok(Self::Gone),
        }
        let mut start = Vec::new();
        file.take(MAGIC.len() as u64).read_to_end(&mut start)?;
        let is_database = start == MAGIC || start.iter().all(|byte| *byte == 0);
        Ok(match opened.nlink() {
            _ if !is_database || opened.uid() != geteuid().as_raw() => Self::NotOurs,
            0 | 1 => Self::Unfinished,
            _ => Self::Published,
        })
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
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to));
    }
    let partial = Partial::create(&to)?;
    vacuum_into(&connection, &partial.path).map_err(|error| describe(at, &to, error))?;
    partial.publish(&to).map_err(|error| BackupError::writing(&to, error))
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
