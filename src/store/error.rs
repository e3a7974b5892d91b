use std::fmt;

use crate::store::StoreLocation;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A server's message, escaped and cut, so that it is safe to show.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServerMessage(String);

impl ServerMessage {
    const LENGTH: usize = 200;

    pub(super) fn new(text: &impl fmt::Display) -> Self {
        Self(text.to_string().escape_debug().take(Self::LENGTH).collect())
    }
}

/// Why the store did not do as asked. Each message says where, what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It may work later: try again.
    #[error("the store is unavailable: {at} {reason}")]
    Unavailable {
        /// Which store.
        at: StoreLocation,
        /// Why.
        reason: UnavailableReason,
        /// The backend's error, if there was one.
        source: Option<Source>,
    },
    /// There is no store, and the caller does not create one.
    #[error("there is no store yet: {at}; `serve` and `import` create one, or fix STORE_URL")]
    Missing {
        /// Where it should be.
        at: StoreLocation,
    },
    /// The folder of a SQLite file is missing.
    #[error("the folder of {at} does not exist: create it, mount it, or fix STORE_URL")]
    NoFolder {
        /// The file.
        at: StoreLocation,
    },
    /// There is a folder or device where the SQLite file should be.
    #[error("{at} is not a file: let STORE_URL name a file, such as one in that folder")]
    NotAFile {
        /// What is there instead.
        at: StoreLocation,
    },
    /// It can be read at most.
    #[error("{at} cannot be written: {fix}", fix = fix_of_writing(at))]
    NotWritable {
        /// Which store.
        at: StoreLocation,
        /// The backend's error, if there was one.
        source: Option<Source>,
    },
    /// There is no space left.
    #[error("{at} is full: free disk space, or raise maxmemory if it is Redis")]
    Full {
        /// Which store.
        at: StoreLocation,
        /// The backend's error.
        source: Source,
    },
    /// The file is no SQLite database.
    #[error("{at} is not a SQLite database: move that file away, or fix STORE_URL")]
    NotADatabase {
        /// The file.
        at: StoreLocation,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// It is a database of another program.
    #[error("{at} is the store of another program: fix STORE_URL")]
    Foreign {
        /// Which store.
        at: StoreLocation,
    },
    /// A later version of this program has migrated it.
    #[error(
        "{at} has schema version {found} and this program knows {known}: \
         run the newer videoask-auth, or restore the backup made before it"
    )]
    Newer {
        /// Which store.
        at: StoreLocation,
        /// Its schema version.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
    },
    /// A row or file that this program cannot have written.
    #[error("{at} is damaged: restore a backup, or move it away and log in again")]
    Damaged {
        /// Which store.
        at: StoreLocation,
        /// What could not be read.
        source: Source,
    },
    /// Redis requires another user name or password.
    #[error("{at} refused the user name or password of STORE_URL: fix them there")]
    AccessRefused {
        /// Which Redis.
        at: StoreLocation,
    },
    /// Redis does not permit this user a command that the program needs.
    #[error(
        "{at} does not permit the user of STORE_URL what this program does: give that user the ACL rules \
         ~{{videoask-auth}}:* +@read +@write +@scripting +@connection +time +info +wait"
    )]
    NotPermitted {
        /// Which Redis.
        at: StoreLocation,
        /// Redis's error.
        source: ServerMessage,
    },
    /// Something other than Redis responded.
    #[error("{at} responded, but it is not a Redis: fix the host and port in STORE_URL")]
    NotARedis {
        /// What responded.
        at: StoreLocation,
        /// What could not be read.
        source: ServerMessage,
    },
    /// A node of a Redis Cluster, which redirects most keys to other nodes.
    #[error(
        "{at} is a node of a Redis Cluster, and this program needs a single Redis server: \
         let STORE_URL name one that runs with `cluster-enabled no`"
    )]
    ClusterNode {
        /// Which Redis.
        at: StoreLocation,
    },
    /// A Sentinel, which stores nothing itself.
    #[error(
        "{at} is a Redis Sentinel, which stores nothing: let STORE_URL name the Redis server that it watches \
         (`SENTINEL masters` lists its address)"
    )]
    Sentinel {
        /// Which Sentinel.
        at: StoreLocation,
    },
    /// The port has no TLS.
    #[error("{at} does not speak TLS on this port: write redis:// in STORE_URL, or the number of its TLS port")]
    NoTls {
        /// Which Redis.
        at: StoreLocation,
    },
    /// The certificate is from a CA that this machine does not trust.
    #[error(
        "{at} has a TLS certificate from an authority (CA) that this machine does not trust: set SSL_CERT_FILE to a \
         PEM file with that CA's certificate, followed by the system's own CAs, since it replaces them"
    )]
    UntrustedCertificate {
        /// Which Redis.
        at: StoreLocation,
    },
    /// The certificate is not valid for this host, or at this time.
    #[error(
        "{at} has a TLS certificate that is not valid: renew it, or let STORE_URL name a host that it is issued for"
    )]
    InvalidCertificate {
        /// Which Redis.
        at: StoreLocation,
        /// What is wrong with it.
        source: ServerMessage,
    },
    /// `STORE_URL` is no Redis URL.
    #[error("STORE_URL is not a Redis URL such as redis://:password@host:6379/0")]
    InvalidUrl,
    /// Another file is at the path of the open SQLite file, such as a restored backup.
    #[error(
        "{at} was replaced or removed while this program ran, which still has the old file: start the program again"
    )]
    Replaced {
        /// The file.
        at: StoreLocation,
    },
    /// A database without any table.
    #[error(
        "{at} is a SQLite database without tables: a copy of a running server's file without its -wal file looks like \
         this; copy both, or stop the server first, or remove the file to start with an empty store"
    )]
    Empty {
        /// The file.
        at: StoreLocation,
    },
    /// The thread of a SQLite connection has ended.
    #[error("the connection to {at} has stopped: start the program again")]
    Stopped {
        /// Which store.
        at: StoreLocation,
    },
    /// Any other error of SQLite.
    #[error("{at}: SQLite failed")]
    Sqlite {
        /// The file.
        at: StoreLocation,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// Any other error of Redis.
    #[error("{at}: Redis failed")]
    Redis {
        /// Which Redis.
        at: StoreLocation,
        /// Redis's error.
        source: ServerMessage,
    },
}

/// Why a store is unavailable for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnavailableReason {
    /// Another process holds SQLite's write lock.
    Busy,
    /// Nothing listens there, or the name has no address.
    Unreachable,
    /// It did not respond in time.
    TimedOut,
    /// It closed the connection.
    Disconnected,
    /// It is starting, failing over or running a long script.
    NotReady,
    /// Its limit of connections is reached.
    TooManyClients,
    /// It has replicas, and none of them acknowledged a write in time.
    Unacknowledged,
}

impl fmt::Display for UnavailableReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "is locked by another process; try again, or find what holds it",
            Self::Unreachable => "cannot be reached; see that it runs and that STORE_URL is right",
            Self::TimedOut => "did not respond in time; see that it runs and is not overloaded",
            Self::Disconnected => {
                "closed the connection; see that it runs, that it is a Redis, and whether it wants rediss:// or redis://"
            }
            Self::NotReady => "is not ready yet; try again soon",
            Self::TooManyClients => {
                "has as many clients as its maxclients allows; raise maxclients, or find what keeps them open"
            }
            Self::Unacknowledged => {
                "has replicas, and none of them acknowledged the write; see that they run and keep up"
            }
        })
    }
}

fn fix_of_writing(at: &StoreLocation) -> &'static str {
    match at {
        StoreLocation::Redis { .. } => "it is a read-only replica, or its last save to disk failed; see its log",
        StoreLocation::File(_) | StoreLocation::Memory => {
            "let the user who runs this program write the file and its folder (SQLite creates files beside it)"
        }
    }
}
