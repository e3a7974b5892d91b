use std::fmt;

/// What a store says about itself that puts kept connections at risk, though it works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
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
}

impl fmt::Display for Finding {
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
            Self::PersistenceUnknown => write!(
                f,
                "Redis does not say whether it has an append-only file (INFO persistence); without one, a crash loses \
                 refresh tokens: make sure that `appendonly yes` and `appendfsync always` are set"
            ),
        }
    }
}
