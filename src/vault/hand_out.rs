//! Handing out an access token that lives long enough.

use std::{sync::Arc, time::Duration};

use oauth2::AccessToken;
use time::OffsetDateTime;

use crate::{
    store::{
        RowKey,
        records::{State, Version},
    },
    vault::{
        Identity, Record, Undecryptable, Vault,
        record::{cause::FailureKind, history::RefreshFailure},
        refresh::{
            RefreshReason, backoff,
            cache::{CachedRecord, Kind},
            single_flight::{Joined, Setback},
        },
        settings::{RefreshPolicy, STORE_TIMEOUT},
    },
};

const USUAL: Duration = Duration::from_secs(60);
/// A token that ends sooner is of no use to anybody.
const LEAST: Duration = Duration::from_secs(1);
/// How often a caller's wish is tried on rows that keep moving.
const TRIES: usize = 4;

/// How long the token should live at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinLife {
    /// A minute or a tenth of its life, whichever is less; a shorter one will do where there is no better.
    #[default]
    Wish,
    /// This long, or an error.
    Demand(Duration),
}

/// A token, good at the moment it was handed out.
#[derive(Clone, Debug)]
pub struct HandedOut {
    cached: Arc<CachedRecord>,
    expires_at: OffsetDateTime,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandOutError {
    /// No connection, or one that is being revoked.
    #[error("not connected")]
    NotConnected,
    /// The user is not in `ALLOWED_USERS`.
    #[error("this user is not in ALLOWED_USERS")]
    NotAllowed,
    /// Over half the token's life was demanded.
    #[error("a token can be asked to live {} s at most", most.as_secs())]
    TooLong {
        /// This is the most.
        most: Duration,
    },
    /// Only a new login helps.
    #[error("log in again: {0}")]
    ReconnectRequired(Reconnect),
    /// The provider did not give tokens this time.
    #[error("VideoAsk gives no tokens at the moment")]
    ProviderUnavailable {
        /// When it is tried again.
        retry_after: Duration,
    },
    /// The provider refuses this app.
    #[error("VideoAsk refuses this app")]
    ProviderRefused {
        /// What it said, and when it is tried again.
        failure: Box<RefreshFailure>,
    },
    /// The store did not answer, and memory has nothing.
    #[error("the store does not answer")]
    StoreUnavailable,
    /// The record belongs to another client id or token endpoint.
    #[error("these tokens belong to another CLIENT_ID or VIDEOASK_AUTH_URL")]
    OtherClient,
    /// The record was encrypted by an `EXPRESS_SESSION` that is not at hand, or was changed.
    #[error("{0}")]
    Undecryptable(Undecryptable),
    /// In mint mode only the person refreshes, by the button.
    #[error("the access token has expired; press Refresh")]
    Expired,
    /// It takes longer than a caller waits.
    #[error("another process is refreshing this token")]
    Busy,
    /// This process is on its way out, and starts no exchange.
    #[error("this process is stopping")]
    Stopping,
    /// A bug of ours; the log has its cause.
    #[error("an internal error; the log has its cause")]
    Internal,
}

/// Why only a new login helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reconnect {
    /// The provider said `invalid_grant`.
    #[error("VideoAsk no longer takes the refresh token")]
    Dead(Box<RefreshFailure>),
    /// The login gave none, and the access token has expired.
    #[error("there is no refresh token; add offline_access to SCOPES")]
    NoRefreshToken,
    /// It is dead, and nobody noted why.
    #[error("the connection has ended")]
    Ended,
}

impl HandedOut {
    fn at(now: OffsetDateTime, cached: Arc<CachedRecord>) -> Self {
        let expires_at = now + cached.record.body.tokens.left(now);
        Self { cached, expires_at }
    }

    /// Opens the API.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.record().body.tokens.access_token
    }

    /// When it ends: never later than its whole life from when it was handed out.
    #[must_use]
    pub fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }

    /// What was granted, where the provider says it.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.record().body.tokens.scope.as_deref()
    }

    /// Whose it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.record().body.identity
    }

    /// Which token set it is of.
    #[must_use]
    pub fn version(&self) -> Version {
        self.record().version()
    }

    fn record(&self) -> &Record {
        &self.cached.record
    }
}

impl MinLife {
    /// What this comes to for a token of that life.
    fn of(self, life: Duration) -> Result<Duration, HandOutError> {
        let least = LEAST.min(life / 2);
        match self {
            Self::Wish => Ok(USUAL.min(life / 10).max(least)),
            Self::Demand(wanted) if wanted > life / 2 => Err(HandOutError::TooLong { most: life / 2 }),
            Self::Demand(wanted) => Ok(wanted.max(least)),
        }
    }
}

impl Vault {
    /// A token of this record that lives long enough, refreshed if need be. Waits as long as
    /// [`Callers`](super::Callers) says; what it started goes on without it.
    pub async fn hand_out(&self, key: &RowKey, need: MinLife) -> Result<HandedOut, HandOutError> {
        if let Some(cached) = self.0.memory.fresh(key, self.0.clock.boot_time())
            && self.suffices(&cached, need)? == Suffices::Yes
        {
            return Ok(HandedOut::at(self.0.clock.now(), cached));
        }
        self.0
            .clock
            .timeout(self.0.settings.caller_timeout(), self.fetch(key, need))
            .await
            .unwrap_or(Err(HandOutError::Busy))
    }

    async fn fetch(&self, key: &RowKey, need: MinLife) -> Result<HandedOut, HandOutError> {
        for _ in 0..TRIES {
            let cached = self.current(key).await?;
            let Suffices::NotFor(life) = self.suffices(&cached, need)? else {
                return Ok(HandedOut::at(self.0.clock.now(), cached));
            };
            let why = RefreshReason::MinLife(life);
            if !cached.may_be_sent(&why, &self.0.settings, self.0.clock.now()) || self.is_mint() {
                return self.last_word(cached, need, None);
            }
            let setback = match self.try_refresh(key, why).await {
                // It may have been started by somebody who was content with less, or the row may have moved to a set
                // that is no better.
                RefreshAttempt::ByUs(None) | RefreshAttempt::ByOther(None) | RefreshAttempt::Later => continue,
                RefreshAttempt::ByUs(setback) | RefreshAttempt::ByOther(setback) => setback,
                RefreshAttempt::Never => Some(Setback::StoreUnavailable),
            };
            // Asked again, since a revoke may have come while this waited.
            return self.last_word(self.current(key).await?, need, setback);
        }
        self.last_word(self.current(key).await?, need, Some(Setback::Contended))
    }

    /// Refreshes after whatever is under way, and says what was in the way of it.
    pub(super) async fn refresh_alone(&self, key: &RowKey, why: RefreshReason) -> Option<Setback> {
        self.run_alone(key, |job| async move { job.refresh(why).await }).await.err()
    }

    /// Refreshes, or waits for a refresh that is under way.
    pub(super) async fn try_refresh(&self, key: &RowKey, why: RefreshReason) -> RefreshAttempt {
        match self.run_shared(key, Kind::Work, |job| async move { job.refresh(why).await }).await {
            Joined::Own(result) => RefreshAttempt::ByUs(result.err()),
            Joined::Shared(result) => RefreshAttempt::ByOther(result.err()),
            Joined::Busy(_, work) => match self.0.clock.timeout(STORE_TIMEOUT, work.ended()).await {
                Some(()) => RefreshAttempt::Later,
                None => RefreshAttempt::Never,
            },
        }
    }

    /// What can be handed out, or said, when nothing more can be done.
    fn last_word(
        &self,
        cached: Arc<CachedRecord>,
        need: MinLife,
        setback: Option<Setback>,
    ) -> Result<HandedOut, HandOutError> {
        let now = self.0.clock.now();
        let valid = !cached.record.body.tokens.left(now).is_zero();
        match self.suffices(&cached, need)? {
            Suffices::Yes => Ok(HandedOut::at(now, cached)),
            Suffices::NotFor(_) if valid && need == MinLife::Wish => Ok(HandedOut::at(now, cached)),
            Suffices::NotFor(_) => Err(self.shortcoming(&cached, setback)),
        }
    }

    fn suffices(&self, cached: &CachedRecord, need: MinLife) -> Result<Suffices, HandOutError> {
        let body = &cached.record.body;
        if !self.0.settings.refresh_policy.allows(&body.identity) {
            return Err(HandOutError::NotAllowed);
        }
        // docs/vault.md, rule 9: nothing of another client is used here, its access token included. The API that this
        // app talks to now may be another one too.
        if body.issuer != self.0.settings.issuer {
            return Err(HandOutError::OtherClient);
        }
        let wanted = need.of(body.tokens.life())?;
        let short = body.tokens.falls_short(wanted, &self.0.settings, self.0.clock.now());
        Ok(if short { Suffices::NotFor(wanted) } else { Suffices::Yes })
    }

    /// The error of a connection's state.
    pub(super) fn shortcoming(&self, cached: &CachedRecord, setback: Option<Setback>) -> HandOutError {
        let body = &cached.record.body;
        let failure = body.history.failure.clone().map(Box::new);
        match (cached.state, failure) {
            (State::Dead, Some(failure)) => HandOutError::ReconnectRequired(Reconnect::Dead(failure)),
            (State::Dead, None) => HandOutError::ReconnectRequired(Reconnect::Ended),
            _ if body.tokens.refresh_token.is_none() => HandOutError::ReconnectRequired(Reconnect::NoRefreshToken),
            _ if body.issuer != self.0.settings.issuer => HandOutError::OtherClient,
            _ if setback.is_some_and(|setback| setback != Setback::Contended) => {
                setback.map_or(HandOutError::Busy, HandOutError::from)
            }
            (State::Blocked, Some(failure)) => HandOutError::ProviderRefused { failure },
            (_, Some(failure)) if failure.kind() == FailureKind::Transient => {
                HandOutError::ProviderUnavailable { retry_after: failure.wait(self.0.clock.now()) }
            }
            _ if self.is_mint() => HandOutError::Expired,
            _ => HandOutError::Busy,
        }
    }

    pub(super) fn is_mint(&self) -> bool {
        matches!(self.0.settings.refresh_policy, RefreshPolicy::Manual)
    }
}

/// How a refresh went that a caller wanted.
pub(super) enum RefreshAttempt {
    /// It was this caller's.
    ByUs(Option<Setback>),
    /// It was under way, perhaps for another reason.
    ByOther(Option<Setback>),
    /// It could not start, and can now.
    Later,
    /// It cannot start: the store does not take the outcome of the one before.
    Never,
}

#[derive(PartialEq, Eq)]
enum Suffices {
    Yes,
    NotFor(Duration),
}

impl RefreshFailure {
    /// How long until the next try; nothing where the stored time cannot be right.
    #[must_use]
    pub fn wait(&self, now: OffsetDateTime) -> Duration {
        self.retry_at.map_or(Duration::ZERO, |retry| backoff::left(retry, backoff::longest(self.kind()), now))
    }
}
