use std::{
    fs::{File, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use crate::store::{CanCreate, IfMissing, StoreError, StoreLocation, StoreRisk};

/// Only the owner may read and write it. SQLite gives the files that it creates beside it the same mode.
pub(super) const MODE: u32 = 0o600;

const GROUP: u32 = 0o070;
const OTHERS: u32 = 0o007;
const WRITE: u32 = 0o222;
/// In a folder with this bit, users can remove only their own files.
const STICKY: u32 = 0o1000;

pub(super) enum Presence {
    File,
    Nothing,
}

/// Creates the file if it is missing and `missing` says so.
pub(super) fn ensure(path: &Path, missing: IfMissing) -> Result<(), StoreError> {
    match (presence(path)?, missing) {
        (Presence::File, _) => Ok(()),
        (Presence::Nothing, IfMissing::Refuse) => Err(StoreError::Missing { at: StoreLocation::File(path.into()) }),
        (Presence::Nothing, IfMissing::Create) => match create(path) {
            // Another process has created it meanwhile. Only one of the two will create the tables.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(|error| describe(path, error)),
        },
    }
}

pub(super) fn presence(path: &Path) -> Result<Presence, StoreError> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Presence::File),
        Ok(_) => Err(StoreError::NotAFile { at: StoreLocation::File(path.into()) }),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Presence::Nothing),
        Err(error) => Err(describe(path, error)),
    }
}

/// Whether it has no bytes, like a file that was just created.
pub(super) fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() == 0)
}

/// Whether a file could be created there. It leaves none.
pub(super) fn room(path: &Path) -> CanCreate {
    let folder = path.parent().unwrap_or(path);
    if !folder.is_dir() {
        return CanCreate::NoFolder;
    }
    match unnamed_file(folder) {
        Ok(_) => CanCreate::Yes,
        Err(error) => match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::StorageFull => {
                CanCreate::NotWritable
            }
            _ => CanCreate::Unknown,
        },
    }
}

/// What other users of this machine may do to an existing store: a program that created or restored the file may have
/// left it readable.
pub(super) fn risks(path: &Path) -> Vec<StoreRisk> {
    let mode = |path: &Path| path.metadata().map_or(0, |metadata| metadata.permissions().mode() & 0o7777);
    let file = Some(mode(path)).filter(|mode| mode & (GROUP | OTHERS) != 0);
    let file = file.map(|mode| StoreRisk::FileOpenToOthers { path: path.into(), mode });
    let folder = path.parent().unwrap_or(path);
    // Write permission for the folder is enough to replace the file, whatever the file's own mode is.
    let open = Some(mode(folder)).filter(|mode| mode & (GROUP | OTHERS) & WRITE != 0 && mode & STICKY == 0);
    let open = open.map(|mode| StoreRisk::FolderOpenToOthers { path: folder.into(), mode });
    file.into_iter().chain(open).collect()
}

/// Creates a file, and syncs its name to the disk.
pub(super) fn create(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    // The umask may have removed permissions that this program needs.
    file.set_permissions(Permissions::from_mode(MODE))?;
    // SQLite syncs the contents, but not the name of a file that it did not create.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// A file without a name, which disappears when it is closed.
#[cfg(target_os = "linux")]
fn unnamed_file(folder: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).mode(MODE).custom_flags(libc::O_TMPFILE).open(folder)
}

#[cfg(not(target_os = "linux"))]
fn unnamed_file(_: &Path) -> io::Result<File> {
    Err(ErrorKind::Unsupported.into())
}

fn describe(path: &Path, source: io::Error) -> StoreError {
    let at = StoreLocation::File(path.into());
    match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => StoreError::NoFolder { at },
        ErrorKind::StorageFull => StoreError::Full { at, source: source.into() },
        _ => StoreError::NotWritable { at, source: Some(source.into()) },
    }
}
