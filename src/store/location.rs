use std::{fmt, path::PathBuf};

/// Where a store is. It is safe to show: it never contains a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
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

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => write!(f, "memory:"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Redis { host, port, database } => {
                let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
                write!(f, "Redis at {open}{host}{close}:{port}")?;
                if *database == 0 { Ok(()) } else { write!(f, ", database {database}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redis_is_named_by_host_port_and_database() {
        let name = |host: &str, database| StoreLocation::Redis { host: host.into(), port: 6379, database }.to_string();
        assert_eq!(name("redis.example.com", 0), "Redis at redis.example.com:6379");
        assert_eq!(name("::1", 3), "Redis at [::1]:6379, database 3");
    }
}
