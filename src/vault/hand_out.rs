//! Hands out an access token that works for long enough.

use std::{sync::Arc, time::Duration};

use oauth2::AccessToken;
use reqwest::header::HeaderValue;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::{
    store::{
        RowKey,
        records::{State, Version},
    },
    vault::{
        Vault,
        error::{Reconnect, VaultError},
        record::{Record, cause::FailureKind, identity::Identity},
        refresh::{cached_record::CachedRecord, reason::RefreshReason},
    },
};

const DEFAULT_MIN_LIFE: Duration = Duration::from_secs(60);
/// A token that expires sooner is of no use.
const SHORTEST_MIN_LIFE: Duration = Duration::from_secs(1);
/// How often a hand-out starts over because the record changed meanwhile.
const TRIES: usize = 4;

/// How long the token should work at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinLife {
    /// A minute or a tenth of its life, whichever is less. If no refresh is possible, less will do.
    #[default]
    BestEffort,
    /// This long, or an error.
    Strict(Duration),
}

/// A token that was valid when it was handed out.
#[derive(Clone, Debug)]
pub struct HandedOut {
    cached: Arc<CachedRecord>,
    at: OffsetDateTime,
}

#[derive(PartialEq, Eq)]
enum Remaining {
    Enough,
    /// It should work for this long.
    LessThan(Duration),
}

impl HandedOut {
    fn new(cached: Arc<CachedRecord>, now: OffsetDateTime) -> Self {
        Self { cached, at: now }
    }

    /// The bearer token for VideoAsk's API.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        &self.record().body.tokens.access_token
    }

    /// The header that opens VideoAsk's API.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.cached.authorization()
    }

    /// The bearer token as a JSON string.
    pub(crate) fn access_token_json(&self) -> &RawValue {
        self.cached.access_token_json()
    }

    /// When it expires: never more than its whole life after it was handed out.
    pub(crate) fn expires_at(&self) -> OffsetDateTime {
        self.at + self.left()
    }

    /// In how many seconds it expires.
    pub(crate) fn expires_in(&self) -> u64 {
        self.left().as_secs()
    }

    fn left(&self) -> Duration {
        self.record().body.tokens.left(self.at)
    }

    pub(crate) fn scope(&self) -> Option<&str> {
        self.record().body.tokens.scope.as_deref()
    }
    pub(crate) fn identity(&self) -> &Identity {
        &self.record().body.identity
    }

    /// The token set that it is from.
    #[must_use]
    pub fn version(&self) -> Version {
        self.record().version()
    }

    fn record(&self) -> &Record {
        &self.cached.record
    }
}

impl MinLife {
    /// What this means for a token of that life.
    fn of(self, life: Duration) -> Result<Duration, VaultError> {
        let shortest = SHORTEST_MIN_LIFE.min(life / 2);
        match self {
            Self::BestEffort => Ok(DEFAULT_MIN_LIFE.min(life / 10).max(shortest)),
            Self::Strict(wanted) if wanted > life / 2 => Err(VaultError::MinLifeTooLong { longest: life / 2 }),
            Self::Strict(wanted) => Ok(wanted.max(shortest)),
        }
    }
}

impl Vault {
    /// An access token of this record that works for long enough, refreshed if necessary. Waits as long as
    /// [`Callers`](super::Callers) says. The refresh goes on without its caller.
    pub async fn hand_out(&self, key: &RowKey, min_life: MinLife) -> Result<HandedOut, VaultError> {
        if let Some(cached) = self.0.cache.fresh(key, self.0.clock.boot_time()) {
            let now = self.0.clock.now();
            if self.remaining(&cached, min_life, now)? == Remaining::Enough {
                return Ok(HandedOut::new(cached, now));
            }
        }
        self.limit_wait(self.refresh_and_hand_out(key, min_life)).await
    }

    async fn refresh_and_hand_out(&self, key: &RowKey, min_life: MinLife) -> Result<HandedOut, VaultError> {
        for _ in 0..TRIES {
            let cached = self.up_to_date(key).await?;
            let now = self.0.clock.now();
            let Remaining::LessThan(wanted) = self.remaining(&cached, min_life, now)? else {
                return Ok(HandedOut::new(cached, now));
            };
            let reason = RefreshReason::MinLife(wanted);
            if !reason.permits(&cached, &self.0.settings, now) {
                return self.hand_out_unrefreshed(key, cached, min_life, None);
            }
            if let Err(error) = self.refresh_shared(key, reason).await.into_result() {
                // The record may have been revoked meanwhile.
                let cached = self.up_to_date(key).await?;
                return self.hand_out_unrefreshed(key, cached, min_life, Some(error));
            }
            // The refresh may have been for a caller that needed less, or the record may have been replaced.
        }
        let cached = self.up_to_date(key).await?;
        self.hand_out_unrefreshed(key, cached, min_life, Some(VaultError::Busy))
    }

    pub(super) async fn limit_wait<T>(
        &self,
        work: impl Future<Output = Result<T, VaultError>>,
    ) -> Result<T, VaultError> {
        let timeout = self.0.settings.caller_timeout();
        // Boxed, since a future that takes another one by value has twice its size.
        self.0.clock.timeout(timeout, Box::pin(work)).await.unwrap_or(Err(VaultError::Busy))
    }

    /// The token as it is, if that will do; otherwise why there is no better one.
    fn hand_out_unrefreshed(
        &self,
        key: &RowKey,
        cached: Arc<CachedRecord>,
        min_life: MinLife,
        error: Option<VaultError>,
    ) -> Result<HandedOut, VaultError> {
        // Without the store's word, what is cached cannot say that a login is needed: there may have been one since.
        let is_outdated = error.is_none() && self.0.cache.is_unreachable(key);
        let now = self.0.clock.now();
        let is_valid = !cached.record.body.tokens.left(now).is_zero();
        match self.remaining(&cached, min_life, now)? {
            Remaining::Enough => Ok(HandedOut::new(cached, now)),
            Remaining::LessThan(_) if is_valid && min_life == MinLife::BestEffort => Ok(HandedOut::new(cached, now)),
            Remaining::LessThan(_) => match self.why_not_refreshed(&cached, error) {
                VaultError::ReconnectRequired(_) if is_outdated => Err(VaultError::StoreUnavailable),
                error => Err(error),
            },
        }
    }

    fn remaining(
        &self,
        cached: &CachedRecord,
        min_life: MinLife,
        now: OffsetDateTime,
    ) -> Result<Remaining, VaultError> {
        let body = &cached.record.body;
        if !cached.is_allowed(&self.0.settings.refresh_policy) {
            return Err(VaultError::NotAllowed);
        }
        // docs/vault.md, rule 9. Not even the access token is used: the API may be another one too.
        if body.issuer != self.0.settings.issuer {
            return Err(VaultError::OtherClient);
        }
        let wanted = min_life.of(body.tokens.life())?;
        let is_short = body.tokens.falls_short(wanted, now, self.0.settings.clock_tolerance);
        Ok(if is_short { Remaining::LessThan(wanted) } else { Remaining::Enough })
    }

    /// Why this record was not refreshed: its state, or else the error of the refresh.
    pub(super) fn why_not_refreshed(&self, cached: &CachedRecord, error: Option<VaultError>) -> VaultError {
        let body = &cached.record.body;
        let failure = body.history.failure.clone().map(Box::new);
        match (cached.state, failure, error) {
            (State::Dead, Some(failure), _) => VaultError::ReconnectRequired(Reconnect::Dead(failure)),
            (State::Dead, None, _) => VaultError::ReconnectRequired(Reconnect::Ended),
            _ if body.tokens.refresh_token.is_none() => VaultError::ReconnectRequired(Reconnect::NoRefreshToken),
            _ if body.issuer != self.0.settings.issuer => VaultError::OtherClient,
            (_, _, Some(error)) if error != VaultError::Busy => error,
            (State::Blocked, Some(failure), _) => VaultError::ProviderRefused { failure },
            (_, Some(failure), _) if failure.kind() == FailureKind::Transient => {
                VaultError::ProviderUnavailable { retry_after: failure.wait(self.0.clock.now()) }
            }
            _ if self.0.settings.refresh_policy.is_manual() => VaultError::Expired,
            _ => VaultError::Busy,
        }
    }
}
