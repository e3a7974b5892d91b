use std::{fmt, path::PathBuf};

use crate::config::Mode;

/// A setting of a working store that may lose data, or give it away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreRisk {
    /// Redis deletes rows when its memory is full, those without a TTL too.
    Evicts {
        /// Its `maxmemory-policy`, one of `allkeys-*`.
        policy: String,
    },
    /// Redis does not say whether it evicts.
    EvictionUnknown,
    /// A restart of the store forgets everything.
    NotPersistent,
    /// Redis writes no append-only file: at most a snapshot now and then.
    NoAppendOnlyFile,
    /// Redis does not say whether it writes to disk.
    PersistenceUnknown,
    /// The SQLite file was there, and had no tables.
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// Other users of this machine may read or write the SQLite file.
    FileOpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Other users of this machine may replace the SQLite file.
    FolderOpenToOthers {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Fatal,
    /// The store can be used, but the operator should fix it.
    Warning,
}

impl StoreRisk {
    pub(crate) fn severity(&self) -> Severity {
        match self {
            Self::Evicts { .. } => Severity::Fatal,
            Self::EvictionUnknown
            | Self::NotPersistent
            | Self::NoAppendOnlyFile
            | Self::PersistenceUnknown
            | Self::EmptyFile { .. }
            | Self::FileOpenToOthers { .. }
            | Self::FolderOpenToOthers { .. } => Severity::Warning,
        }
    }

    /// Whether it matters in this mode. A store that forgets matters only to keep mode, since a mint-mode record ends with
    /// its session.
    pub(crate) fn matters_to(&self, mode: &Mode) -> bool {
        match self {
            Self::FileOpenToOthers { .. } | Self::FolderOpenToOthers { .. } => true,
            Self::Evicts { .. }
            | Self::EvictionUnknown
            | Self::NotPersistent
            | Self::NoAppendOnlyFile
            | Self::EmptyFile { .. }
            | Self::PersistenceUnknown => matches!(mode, Mode::Keep(_)),
        }
    }
}

impl fmt::Display for StoreRisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evicts { policy } => write!(
                f,
                "Redis evicts ({policy}): when its memory is full, it deletes connections; set `maxmemory-policy noeviction`"
            ),
            Self::EvictionUnknown => write!(
                f,
                "Redis does not say whether it evicts (INFO memory); make sure that `maxmemory-policy noeviction` is set"
            ),
            Self::NotPersistent => write!(
                f,
                "a restart of the store forgets every connection; use a SQLite file, or Redis with `appendonly yes` \
                 and `appendfsync always`"
            ),
            Self::NoAppendOnlyFile => write!(
                f,
                "Redis has no append-only file: after a crash the refresh tokens since its last snapshot are lost, \
                 and their users have to log in again; set `appendonly yes` and `appendfsync always`"
            ),
            Self::EmptyFile { path } => write!(
                f,
                "{} was there, as a SQLite database without tables: a copy of a running server's file without its -wal \
                 file looks like this; copy both, or stop that server first",
                path.display()
            ),
            Self::FileOpenToOthers { path, mode } => write!(
                f,
                "other users of this machine may read or write {} (mode {mode:04o}); run `chmod 600` on it",
                path.display()
            ),
            Self::FolderOpenToOthers { path, mode } => write!(
                f,
                "other users of this machine may replace the files in {} (mode {mode:04o}); run `chmod go-w` on it",
                path.display()
            ),
            Self::PersistenceUnknown => write!(
                f,
                "Redis does not say whether it has an append-only file (INFO persistence); without one, a crash loses \
                 refresh tokens: make sure that `appendonly yes` and `appendfsync always` are set"
            ),
        }
    }
}
