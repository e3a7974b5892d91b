use std::{fmt, path::PathBuf};

/// Where a store is, in words that may be shown: never with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// SQLite's in-memory database.
    Memory,
    /// A SQLite file, by absolute path.
    File(PathBuf),
    /// A Redis server.
    Redis {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
        /// The number given to `SELECT`.
        database: i64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => write!(f, "memory:"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Redis { host, port, database } => {
                write!(f, "Redis at {host}:{port}")?;
                if *database == 0 { Ok(()) } else { write!(f, ", database {database}") }
            }
        }
    }
}
