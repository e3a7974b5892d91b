//! The settings of a vault, and the time limits that follow from them.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    config::LoginLifetime,
    vault::record::{Issuer, cause::Retry, identity::Identity},
};

/// The part of a lease that is reserved for the save after an exchange.
const SAVE_BUDGET: Duration = Duration::from_secs(5);
/// How much longer than one lease length a job waits for the lease.
const LEASE_TIMEOUT_MARGIN: Duration = Duration::from_secs(10);
/// The longest wait of an HTTP request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of a vault.
#[derive(Clone)]
pub struct Settings {
    /// The name of this process in leases and in the history. Each start of each process has its own.
    pub process: String,
    /// The client and token endpoint. Only their refresh tokens are sent.
    pub issuer: Issuer,
    /// `EXCHANGE_TIMEOUT`: the longest time of one exchange.
    pub exchange_timeout: Duration,
    /// `REFRESH_TOKEN_LIFETIME`: how long a login is expected to last.
    pub login_lifetime: LoginLifetime,
    /// Who may start a refresh.
    pub refresh_policy: RefreshPolicy,
    /// Who waits for tokens.
    pub callers: Callers,
    /// How far the clocks of two machines may differ. A stored time that lies further ahead than its longest legal span
    /// plus this was written by a wrong clock.
    pub clock_tolerance: Duration,
}

/// Who waits for tokens. It decides how long they wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callers {
    /// Requests over HTTP: 30 s.
    Requests,
    /// A command: long enough to take over the attempt of a crashed process.
    Command,
}

/// Who may start a refresh. The mode decides it.
#[derive(Clone)]
pub enum RefreshPolicy {
    /// Mint mode: only the person, by the button.
    Manual,
    /// Keep mode: the vault and the person. The user of a record must pass this check at each use.
    Automatic(Allowed),
}

/// Whether a user is in `ALLOWED_USERS`.
#[derive(Clone)]
pub struct Allowed {
    /// Identifies the list, so that an index that was written under another list is recognised.
    pub list: String,
    /// The check.
    pub check: Arc<dyn Fn(&Identity) -> bool + Send + Sync>,
}

impl Settings {
    /// [`Settings::clock_tolerance`], for machines whose clocks are set by NTP.
    pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

    /// The length of a lease: two exchanges, a save, and the calls of the store in between.
    pub(super) fn lease(&self) -> Duration {
        2 * self.exchange_timeout + Duration::from_secs(10)
    }

    /// The refresh token is sent only if this much of the lease is left.
    pub(super) fn send_budget(&self) -> Duration {
        self.exchange_timeout + SAVE_BUDGET
    }

    pub(super) fn lease_timeout(&self) -> Duration {
        self.lease() + LEASE_TIMEOUT_MARGIN
    }

    pub(super) fn caller_timeout(&self) -> Duration {
        match self.callers {
            Callers::Requests => REQUEST_TIMEOUT,
            Callers::Command => self.lease_timeout().max(REQUEST_TIMEOUT),
        }
    }

    /// How long a shutdown waits for jobs in flight.
    pub(super) fn grace(&self) -> Duration {
        2 * self.exchange_timeout + SAVE_BUDGET
    }
}

impl RefreshPolicy {
    pub(super) fn is_manual(&self) -> bool {
        match self {
            Self::Manual => true,
            Self::Automatic(_) => false,
        }
    }

    /// Identifies the list that decides whose tokens may be used.
    pub(super) fn list(&self) -> &str {
        match self {
            Self::Manual => "",
            Self::Automatic(allowed) => &allowed.list,
        }
    }

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
            Self::Automatic(allowed) => (allowed.check)(identity),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("process", &self.process)
            .field("issuer", &self.issuer)
            .field("exchange_timeout", &self.exchange_timeout)
            .field("login_lifetime", &self.login_lifetime)
            .field("callers", &self.callers)
            .field("clock_tolerance", &self.clock_tolerance)
            .finish_non_exhaustive()
    }
}
