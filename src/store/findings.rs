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
    /// Redis does not say whether it writes to disk.
    PersistenceUnknown,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evicts { policy } => write!(
                f,
                "Redis evicts by {policy}: when its memory is full it deletes connections; \
                 set maxmemory-policy to noeviction"
            ),
            Self::EvictionUnknown => write!(
                f,
                "Redis does not say whether it evicts (INFO memory); make sure that maxmemory-policy is noeviction"
            ),
            Self::NotPersistent => {
                write!(
                    f,
                    "a restart of the store forgets every connection; use a SQLite file, or Redis with appendonly"
                )
            }
            Self::PersistenceUnknown => write!(
                f,
                "Redis does not say whether it writes to disk (INFO persistence, CONFIG GET save); \
                 make sure that it does"
            ),
        }
    }
}
