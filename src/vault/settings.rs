//! What a vault is told once, and the numbers that follow from it.

use std::{fmt, sync::Arc, time::Duration};

use crate::vault::{Identity, Issuer, Retry};

/// How long memory is trusted without asking the store.
pub(super) const CACHE_TTL: Duration = Duration::from_secs(5);
/// A record is written back to a store that lost it if the store confirmed it, or was silent, at most this long ago.
/// Otherwise it may have been forgotten elsewhere meanwhile.
pub(super) const WATCHED: Duration = Duration::from_secs(15);
/// How often at most a process refreshes a record because a time in it is impossible. Two processes whose clocks are
/// far apart would otherwise correct each other without a pause.
pub(super) const REDATE_EVERY: Duration = Duration::from_secs(60);
/// How long a store that did not answer is not asked again for a token that is at hand.
pub(super) const STALE_RETRY: Duration = Duration::from_secs(1);
/// The time that a send leaves for saving what it brings.
pub(super) const SAVING: Duration = Duration::from_secs(5);
/// How often saving and closing are tried again.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// One step of the store. With the pause before the next try it is at most the 3 s of docs/vault.md, rule 6. The
/// store's own timeouts are shorter.
pub(super) const STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// How much longer than a lease a task waits for one: somebody else may hold it, or have left an attempt open.
const BEYOND_LEASE: Duration = Duration::from_secs(10);
/// How long a request waits at most.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Who this vault is, and for whom it works.
#[derive(Clone)]
pub struct Settings {
    /// The name of this process in leases and in the history. No other process, and no earlier start, has the same.
    pub process: String,
    /// The client and token endpoint whose refresh tokens may be sent.
    pub issuer: Issuer,
    /// `EXCHANGE_TIMEOUT`.
    pub exchange_timeout: Duration,
    /// Who may start a refresh.
    pub refresh_policy: RefreshPolicy,
    /// Who waits for tokens.
    pub callers: Callers,
    /// How much further ahead than its longest legal span a stored time may lie, since the clocks of two machines
    /// differ a little. One that lies further ahead was written by a clock that was wrong.
    pub clock_tolerance: Duration,
}

/// Who waits for tokens, and so for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Requests over HTTP: 30 s.
    Requests,
    /// One command: long enough to take over what a crashed process left.
    Command,
}

/// Who may start a refresh, by the mode.
#[derive(Clone)]
pub enum RefreshPolicy {
    /// Mint mode: a person, by the button, and nobody else.
    Manual,
    /// Keep mode: the vault, for users who pass this check at each use.
    Automatic(Allowed),
}

/// Whether a user is in `ALLOWED_USERS`.
pub type Allowed = Arc<dyn Fn(&Identity) -> bool + Send + Sync>;

impl Settings {
    /// [`Settings::clock_tolerance`], for machines whose clocks are set by NTP.
    pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

    /// A lease outlives two exchanges, their saving, and the store's answers in between.
    pub(super) fn lease(&self) -> Duration {
        2 * self.exchange_timeout + Duration::from_secs(10)
    }

    /// What must be left of the lease for one send.
    pub(super) fn send_budget(&self) -> Duration {
        self.exchange_timeout + SAVING
    }

    /// How long a task waits for a lease.
    pub(super) fn lease_patience(&self) -> Duration {
        self.lease() + BEYOND_LEASE
    }

    /// How long a caller waits at most.
    pub(super) fn caller_timeout(&self) -> Duration {
        match self.callers {
            Callers::Requests => REQUEST_TIMEOUT,
            Callers::Command => self.lease_patience().max(REQUEST_TIMEOUT),
        }
    }

    /// How long a shutdown waits for what is under way.
    #[must_use]
    pub fn grace(&self) -> Duration {
        2 * self.exchange_timeout + SAVING
    }
}

impl RefreshPolicy {
    /// Who retries a refresh that failed.
    pub(super) fn retry(&self) -> Retry {
        match self {
            Self::Manual => Retry::Manual,
            Self::Automatic(_) => Retry::Automatic,
        }
    }

    /// Whether this user's tokens may be used at all.
    pub(super) fn allows(&self, identity: &Identity) -> bool {
        match self {
            Self::Manual => true,
            Self::Automatic(allowed) => allowed(identity),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("process", &self.process)
            .field("issuer", &self.issuer)
            .field("exchange_timeout", &self.exchange_timeout)
            .field("callers", &self.callers)
            .field("clock_tolerance", &self.clock_tolerance)
            .finish_non_exhaustive()
    }
}
