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
        Identity, Record, Vault,
        error::{Reconnect, VaultError},
        record::{cause::FailureKind, history::RefreshFailure},
        refresh::{
            RefreshReason, backoff,
            cache::{CachedRecord, Kind},
            single_flight::Joined,
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
    fn of(self, life: Duration) -> Result<Duration, VaultError> {
        let least = LEAST.min(life / 2);
        match self {
            Self::Wish => Ok(USUAL.min(life / 10).max(least)),
            Self::Demand(wanted) if wanted > life / 2 => Err(VaultError::MinLifeTooLong { longest: life / 2 }),
            Self::Demand(wanted) => Ok(wanted.max(least)),
        }
    }
}

impl Vault {
    /// A token of this record that lives long enough, refreshed if need be. Waits as long as
    /// [`Callers`](super::Callers) says; what it started goes on without it.
    pub async fn hand_out(&self, key: &RowKey, need: MinLife) -> Result<HandedOut, VaultError> {
        if let Some(cached) = self.0.memory.fresh(key, self.0.clock.boot_time())
            && self.suffices(&cached, need)? == Suffices::Yes
        {
            return Ok(HandedOut::at(self.0.clock.now(), cached));
        }
        self.0
            .clock
            .timeout(self.0.settings.caller_timeout(), self.fetch(key, need))
            .await
            .unwrap_or(Err(VaultError::Busy))
    }

    async fn fetch(&self, key: &RowKey, need: MinLife) -> Result<HandedOut, VaultError> {
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
                RefreshAttempt::Never => Some(VaultError::StoreUnavailable),
            };
            // Asked again, since a revoke may have come while this waited.
            return self.last_word(self.current(key).await?, need, setback);
        }
        self.last_word(self.current(key).await?, need, Some(VaultError::Busy))
    }

    /// Refreshes after whatever is under way, and says what was in the way of it.
    pub(super) async fn refresh_alone(&self, key: &RowKey, why: RefreshReason) -> Option<VaultError> {
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
        setback: Option<VaultError>,
    ) -> Result<HandedOut, VaultError> {
        let now = self.0.clock.now();
        let valid = !cached.record.body.tokens.left(now).is_zero();
        match self.suffices(&cached, need)? {
            Suffices::Yes => Ok(HandedOut::at(now, cached)),
            Suffices::NotFor(_) if valid && need == MinLife::Wish => Ok(HandedOut::at(now, cached)),
            Suffices::NotFor(_) => Err(self.shortcoming(&cached, setback)),
        }
    }

    fn suffices(&self, cached: &CachedRecord, need: MinLife) -> Result<Suffices, VaultError> {
        let body = &cached.record.body;
        if !self.0.settings.refresh_policy.allows(&body.identity) {
            return Err(VaultError::NotAllowed);
        }
        // docs/vault.md, rule 9: nothing of another client is used here, its access token included. The API that this
        // app talks to now may be another one too.
        if body.issuer != self.0.settings.issuer {
            return Err(VaultError::OtherClient);
        }
        let wanted = need.of(body.tokens.life())?;
        let short = body.tokens.falls_short(wanted, &self.0.settings, self.0.clock.now());
        Ok(if short { Suffices::NotFor(wanted) } else { Suffices::Yes })
    }

    /// The error of a connection's state.
    pub(super) fn shortcoming(&self, cached: &CachedRecord, setback: Option<VaultError>) -> VaultError {
        let body = &cached.record.body;
        let failure = body.history.failure.clone().map(Box::new);
        match (cached.state, failure) {
            (State::Dead, Some(failure)) => VaultError::ReconnectRequired(Reconnect::Dead(failure)),
            (State::Dead, None) => VaultError::ReconnectRequired(Reconnect::Ended),
            _ if body.tokens.refresh_token.is_none() => VaultError::ReconnectRequired(Reconnect::NoRefreshToken),
            _ if body.issuer != self.0.settings.issuer => VaultError::OtherClient,
            _ if setback.as_ref().is_some_and(|setback| *setback != VaultError::Busy) => {
                setback.unwrap_or(VaultError::Busy)
            }
            (State::Blocked, Some(failure)) => VaultError::ProviderRefused { failure },
            (_, Some(failure)) if failure.kind() == FailureKind::Transient => {
                VaultError::ProviderUnavailable { retry_after: failure.wait(self.0.clock.now()) }
            }
            _ if self.is_mint() => VaultError::Expired,
            _ => VaultError::Busy,
        }
    }

    pub(super) fn is_mint(&self) -> bool {
        matches!(self.0.settings.refresh_policy, RefreshPolicy::Manual)
    }
}

/// How a refresh went that a caller wanted.
pub(super) enum RefreshAttempt {
    /// It was this caller's.
    ByUs(Option<VaultError>),
    /// It was under way, perhaps for another reason.
    ByOther(Option<VaultError>),
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
