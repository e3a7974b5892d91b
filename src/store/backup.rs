//! A copy of a SQLite store, made while other processes use it.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    config::StoreUrl,
    store::{StoreError, StoreLocation, sqlite},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{} exists, and `backup` overwrites nothing: name a file that does not exist", .0.display())]
    Exists(PathBuf),
    /// Another process makes a backup of this name.
    #[error("another `backup` to {} is under way, and its file is not there before it is whole", .0.display())]
    UnderWay(PathBuf),
    /// The folder of the backup is missing.
    #[error("the folder of {} does not exist", .0.display())]
    NoFolder(PathBuf),
    /// The backup cannot be written. The incomplete file is removed.
    #[error("cannot write {}", path.display())]
    NotWritten { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("STORE_URL=memory: is the memory of one `serve` alone, and no other process can copy it")]
    Memory,
    #[error(
        "`backup` copies a SQLite file, and STORE_URL is a Redis: copy the append-only file or a snapshot (BGSAVE) of \
         that server"
    )]
    Redis,
}

impl BackupError {
    pub(super) fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NoFolder(path),
            _ => Self::NotWritten { path, source: source.into() },
        }
    }
}

/// Copies the store, as it is at one moment, to a new file. Returns the location of the store.
pub(crate) async fn back_up(url: &StoreUrl, to: &Path) -> Result<StoreLocation, BackupError> {
    match url {
        StoreUrl::Memory => Err(BackupError::Memory),
        StoreUrl::Sqlite(path) => sqlite::back_up(path, to).await,
        StoreUrl::Redis(_) => Err(BackupError::Redis),
    }
}
