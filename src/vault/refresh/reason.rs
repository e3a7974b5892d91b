//! Why a refresh is wanted, and whether it may be sent.

use std::time::Duration;

use oauth2::AccessToken;
use time::OffsetDateTime;

use crate::{
    store::records::{State, Version},
    vault::{
        backoff,
        record::{Record, cause::Cause},
        refresh::{cached_record::CachedRecord, transition::Trigger},
        settings::{RefreshPolicy, Settings},
    },
};

/// The time that identifying the owner of an import may take. The access token must work for at least this long.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a refresh is wanted. It is checked again under the lease, since another process may have refreshed meanwhile.
#[derive(Clone, Debug)]
pub(crate) enum RefreshReason {
    /// A caller needs a token that works for this long.
    MinLife(Duration),
    Scheduled,
    /// A person pressed the refresh button on a page that showed this version of the record.
    Manual(Version),
    TokenRejected(AccessToken),
    /// The token was imported, and its owner is not known yet.
    Import,
}

impl RefreshReason {
    pub(super) fn trigger(&self) -> Trigger {
        match self {
            Self::TokenRejected(_) => Trigger::Forced,
            Self::MinLife(_) | Self::Scheduled | Self::Manual(_) | Self::Import => Trigger::Ordinary,
        }
    }

    /// Whether the refresh is wanted only because of the token's remaining life, and not because of a person, a
    /// rejected token or an import. Such a refresh can wait.
    pub(super) fn can_wait(&self) -> bool {
        match self {
            Self::MinLife(_) | Self::Scheduled => true,
            Self::Manual(_) | Self::TokenRejected(_) | Self::Import => false,
        }
    }

    /// Whether this is a reason to refresh this record.
    pub(crate) fn applies(
        &self,
        due: Option<OffsetDateTime>,
        cached: &CachedRecord,
        settings: &Settings,
        now: OffsetDateTime,
    ) -> bool {
        let tokens = &cached.record.body.tokens;
        match self {
            Self::MinLife(life) => tokens.falls_short(*life, now, settings.clock_tolerance),
            Self::Scheduled => due.is_some_and(|due| due <= now) || cached.has_impossible_times(settings, now),
            Self::Manual(shown) => cached.record.version() == *shown,
            Self::TokenRejected(rejected) => {
                tokens.access_token.secret() == rejected.secret() && !was_forced_recently(&cached.record, settings, now)
            }
            // It was not exchanged yet, or its access token expires too soon to identify the owner with it.
            Self::Import => {
                cached.state == State::Pending && (cached.record.generation == 1 || tokens.left(now) < IDENTIFY_TIMEOUT)
            }
        }
    }

    /// Whether the refresh policy allows a refresh for this reason.
    fn is_permitted(&self, policy: &RefreshPolicy) -> bool {
        match (policy, self) {
            (RefreshPolicy::Automatic(_), _) | (RefreshPolicy::Manual, Self::Manual(_)) => true,
            (RefreshPolicy::Manual, _) => false,
        }
    }

    /// Whether the refresh token of this record may be sent for this reason.
    pub(crate) fn permits(&self, cached: &CachedRecord, settings: &Settings, now: OffsetDateTime) -> bool {
        let body = &cached.record.body;
        let failure = body.history.failure.as_ref();
        let is_manual = matches!(self, Self::Manual(_));
        let state_permits = match cached.state {
            State::Live | State::Blocked => {
                is_manual || !failure.is_some_and(|failure| failure.backs_off(settings.clock_tolerance, now))
            }
            // The exchange that returned another user's tokens may have spent this one.
            State::Dead => is_manual && failure.is_none_or(|failure| failure.cause != Cause::IdentityChanged),
            State::Pending => matches!(self, Self::Import),
            State::Revoking | State::Tombstone => false,
        };
        // The owner of a pending import is not known yet. The operator has vouched for it by importing it.
        let user_permits = cached.state == State::Pending || cached.is_allowed(&settings.refresh_policy);
        state_permits
            && user_permits
            && self.is_permitted(&settings.refresh_policy)
            && body.tokens.refresh_token.is_some()
            && body.issuer == settings.issuer
    }
}

/// Whether the current token comes from a recent forced refresh. If the API rejects that token too, another refresh
/// would not help.
fn was_forced_recently(record: &Record, settings: &Settings, now: OffsetDateTime) -> bool {
    let history = &record.body.history;
    let wait = backoff::forced(history.forced);
    let last = history.last.as_ref().filter(|_| history.forced > 0);
    last.is_some_and(|last| !backoff::left(last.at + wait, wait + settings.clock_tolerance, now).is_zero())
}
