use std::fmt;

use crate::store::StoreLocation;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a server said: text from outside, escaped and cut, so that it may be shown.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ServerMessage(String);

impl ServerMessage {
    const LENGTH: usize = 200;

    pub(super) fn new(text: &impl fmt::Display) -> Self {
        Self(text.to_string().escape_debug().take(Self::LENGTH).collect())
    }
}

/// Why the store did not do as asked. Each says where, what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It works at other times: try again.
    #[error("the store is unavailable: {at} {reason}")]
    Unavailable {
        /// Which store.
        at: StoreLocation,
        /// What is in the way.
        reason: UnavailableReason,
        /// As the backend puts it, if it said anything.
        source: Option<Source>,
    },
    /// There is none, and what was asked for does not make one.
    #[error("there is no store yet: {at}; `serve` and `import` make one, or fix STORE_URL")]
    Missing {
        /// Where it was looked for.
        at: StoreLocation,
    },
    /// The folder of a SQLite file is missing.
    #[error("the folder of {at} does not exist: make it, mount it, or fix STORE_URL")]
    NoFolder {
        /// The file.
        at: StoreLocation,
    },
    /// A folder or device where a SQLite file should be.
    #[error("{at} is not a file: let STORE_URL name a file, such as one in that folder")]
    NotAFile {
        /// What is there instead.
        at: StoreLocation,
    },
    /// Readable at most.
    #[error("{at} cannot be written: {fix}", fix = fix_of_writing(at))]
    NotWritable {
        /// Which store.
        at: StoreLocation,
        /// As the backend puts it, if it said anything.
        source: Option<Source>,
    },
    /// No room for what should be written.
    #[error("{at} is full: free disk space, or raise maxmemory if it is Redis")]
    Full {
        /// Which store.
        at: StoreLocation,
        /// As the backend puts it.
        source: Source,
    },
    /// The file has other contents.
    #[error("{at} is not a SQLite database: move that file away, or fix STORE_URL")]
    NotADatabase {
        /// The file.
        at: StoreLocation,
        /// As SQLite puts it.
        source: rusqlite::Error,
    },
    /// A database, of another program.
    #[error("{at} is the store of another program: fix STORE_URL")]
    Foreign {
        /// Which store.
        at: StoreLocation,
    },
    /// A later version of this program has migrated it.
    #[error(
        "{at} has schema version {found} and this program knows {known}: \
         run the newer videoask-auth, or put back the backup made before it"
    )]
    Newer {
        /// Which store.
        at: StoreLocation,
        /// Its schema version.
        found: u32,
        /// The latest this program knows.
        known: u32,
    },
    /// A row or file that this program cannot have written.
    #[error("{at} is damaged: put back a backup, or move it away and log in again")]
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
    /// Redis forbids this user something that the program needs.
    #[error(
        "{at} does not permit the user of STORE_URL what this program does: give that user the ACL rules \
         ~{{videoask-auth}}:* +@read +@write +@scripting +@connection +time +info +wait"
    )]
    NotPermitted {
        /// Which Redis.
        at: StoreLocation,
        /// As Redis puts it.
        source: ServerMessage,
    },
    /// Something else than Redis answered.
    #[error("{at} answered, but it is not a Redis: fix the host and port in STORE_URL")]
    NotARedis {
        /// What answered.
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
    /// The port does not speak TLS.
    #[error("{at} does not speak TLS on this port: write redis:// in STORE_URL, or the number of its TLS port")]
    NoTls {
        /// Which Redis.
        at: StoreLocation,
    },
    /// The certificate is from an authority that this machine does not know.
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
    /// Another file is at the path of the SQLite file that is open, such as a backup that was put back.
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
         this; copy both, or stop the server first, or remove the file to start afresh"
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
    /// Anything else that SQLite answered.
    #[error("{at}: SQLite failed")]
    Sqlite {
        /// The file.
        at: StoreLocation,
        /// As SQLite puts it.
        source: rusqlite::Error,
    },
    /// Anything else that Redis answered.
    #[error("{at}: Redis failed")]
    Redis {
        /// Which Redis.
        at: StoreLocation,
        /// As Redis puts it.
        source: ServerMessage,
    },
}

/// What keeps a store from answering for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnavailableReason {
    /// Another process holds SQLite's write lock.
    Busy,
    /// Nothing listens there, or the name has no address.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
    /// It hung up.
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
            Self::TimedOut => "did not answer in time; see that it runs and is not overloaded",
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
            "let the user who runs this program write the file and its folder (SQLite makes files beside it)"
        }
    }
}
