//! The result of looking for a `.env` file.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Which `.env` was looked for, by absolute path, and whether it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EnvLookup {
    /// No file was looked for.
    #[default]
    NotRequested,
    /// The file does not exist. That is fine as long as the environment sets what is required.
    Missing(PathBuf),
    /// The file exists but cannot be read, or it was named and does not exist.
    Unreadable(PathBuf),
    /// The file was read.
    Read(PathBuf),
}

impl EnvLookup {
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Read(path) => Some(path),
            Self::NotRequested | Self::Missing(_) | Self::Unreadable(_) => None,
        }
    }
}

/// Names every place where values were looked for.
impl fmt::Display for EnvLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRequested => f.write_str("the environment"),
            Self::Missing(path) => write!(f, "the environment; there is no {}", path.display()),
            Self::Unreadable(path) => write!(f, "the environment; {} cannot be read", path.display()),
            Self::Read(path) => write!(f, "the environment and {}", path.display()),
        }
    }
}
