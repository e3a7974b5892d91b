//! The refresh: lease, second reading, write-ahead, exchange, save, in this order (docs/vault.md, rules 3 to 8).

pub(crate) mod backoff;
pub(crate) mod cache;
pub(crate) mod in_flight;
pub(crate) mod lease;
pub(crate) mod log;
pub(crate) mod on_request;
pub(crate) mod outcome;
pub(crate) mod revalidate;
pub(crate) mod save;
pub(crate) mod single_flight;
pub(crate) mod task;

use std::{sync::Arc, time::Duration};

use oauth2::{AccessToken, RefreshToken};
use time::OffsetDateTime;

use crate::{
    store::records::{Cas, Expected, Row, State, Version},
    vault::{
        Record, RecordBody, TokenSet,
        error::VaultError,
        record::{cause::Cause, history::RefreshFailure},
        refresh::{
            cache::CachedRecord,
            lease::{HeldLease, LEASE_TRIES, is_lease_lost},
            log::{RefreshLine, log_lost_response},
            outcome::{AttemptContext, RefreshOutcome, Trigger},
            single_flight::{Job, JobResult},
        },
        settings::Settings,
    },
};

/// Why a refresh is wanted. Decided again under the lease, since somebody else may have done it.
#[derive(Clone, Debug)]
pub(super) enum RefreshReason {
    /// A caller needs a token that lives this long.
    MinLife(Duration),
    /// The keeper found it due.
    Scheduled,
    /// A person pressed the button under this token set.
    Manual(Version),
    /// The API refused this token.
    TokenRejected(AccessToken),
    /// It came by `import`, and was never exchanged.
    Import,
}

impl RefreshReason {
    fn trigger(&self) -> Trigger {
        match self {
            Self::TokenRejected(_) => Trigger::Forced,
            Self::MinLife(_) | Self::Scheduled | Self::Manual(_) | Self::Import => Trigger::Ordinary,
        }
    }

    /// Whether this is a reason to refresh this record.
    pub(super) fn applies(
        &self,
        due: Option<OffsetDateTime>,
        cached: &CachedRecord,
        settings: &Settings,
        now: OffsetDateTime,
    ) -> bool {
        let tokens = &cached.record.body.tokens;
        match self {
            Self::MinLife(life) => tokens.falls_short(*life, settings, now),
            Self::Scheduled => due.is_some_and(|due| due <= now) || cached.has_impossible_times(settings, now),
            Self::Manual(shown) => cached.record.version() == *shown,
            Self::TokenRejected(refused) => {
                tokens.access_token.secret() == refused.secret() && !cached.is_worn_out(settings, now)
            }
            Self::Import => Self::import_applies(cached.state, &cached.record, now),
        }
    }
}

impl CachedRecord {
    /// Whether a refresh for this reason may be sent at all.
    pub(super) fn may_be_sent(&self, why: &RefreshReason, settings: &Settings, now: OffsetDateTime) -> bool {
        let body = &self.record.body;
        let by_person = matches!(why, RefreshReason::Manual(_));
        let failure = body.history.failure.as_ref();
        let backs_off = failure.is_some_and(|failure| failure.backs_off(settings, now));
        let state_allows = match self.state {
            State::Live | State::Blocked => by_person || !backs_off,
            // The refresh that brought another user's tokens may have spent this one.
            State::Dead => by_person && failure.is_none_or(|failure| failure.cause != Cause::IdentityChanged),
            // Nobody is known to own it; the operator vouches.
            State::Pending => matches!(why, RefreshReason::Import),
            State::Revoking | State::Tombstone => false,
        };
        state_allows
            && body.tokens.refresh_token.is_some()
            && body.issuer == settings.issuer
            && known_owner_is_allowed(self.state, settings, body)
    }

    /// Whether forcing a refresh has been tried lately, in vain: the token that came of it is refused too.
    fn is_worn_out(&self, settings: &Settings, now: OffsetDateTime) -> bool {
        let history = &self.record.body.history;
        let wait = backoff::forced(history.forced);
        let last = history.last.as_ref().filter(|_| history.forced > 0);
        last.is_some_and(|last| !backoff::left(last.at + wait, wait + settings.clock_tolerance, now).is_zero())
    }

    /// Whether a time in it can only come from a clock that was wrong, or the clock is wrong now. Such a record is due.
    pub(super) fn has_impossible_times(&self, settings: &Settings, now: OffsetDateTime) -> bool {
        let body = &self.record.body;
        let failure = body.history.failure.as_ref();
        body.tokens.is_misdated(now, settings.clock_tolerance)
            || failure.is_some_and(|failure| {
                failure.retry_at.is_some_and(|retry| retry > now) && !failure.backs_off(settings, now)
            })
    }
}

impl RefreshFailure {
    /// Whether the vault itself leaves the provider alone. A person may try whenever they want.
    fn backs_off(&self, settings: &Settings, now: OffsetDateTime) -> bool {
        let longest = backoff::longest(self.kind()).saturating_add(settings.clock_tolerance);
        self.retry_at.is_some_and(|retry| !backoff::left(retry, longest, now).is_zero())
    }
}

impl TokenSet {
    /// Whether the access token lives shorter than this, or nobody knows how long. Nobody is content with no life.
    pub(super) fn falls_short(&self, life: Duration, settings: &Settings, now: OffsetDateTime) -> bool {
        let left = self.left(now);
        left < life || left.is_zero() || self.is_misdated(now, settings.clock_tolerance)
    }
}

fn known_owner_is_allowed(state: State, settings: &Settings, body: &RecordBody) -> bool {
    state == State::Pending || settings.refresh_policy.allows(&body.identity)
}

impl Job {
    /// Refreshes the record, if that is still wanted once the lease is held.
    pub(super) async fn refresh(&self, why: RefreshReason) -> JobResult {
        let needless = |row: &Row, asked| match self.adopt(row, asked) {
            Ok(cached) if self.is_wanted(&why, row, &cached) => None,
            result => Some(result),
        };
        for _ in 0..LEASE_TRIES {
            let held = match self.take_lease(needless).await {
                Ok(held) => held,
                Err(result) => return result,
            };
            let result = self.refresh_under(&held, &why).await;
            let lost = is_lease_lost(&result);
            if !lost {
                self.publish(result.clone());
            }
            self.release(&held).await;
            if !lost {
                return result;
            }
        }
        Err(VaultError::Busy)
    }

    async fn refresh_under(&self, held: &HeldLease, why: &RefreshReason) -> JobResult {
        let cached = self.adopt(&held.row, held.asked)?;
        if self.is_wanted(why, &held.row, &cached) {
            self.exchange(held, &cached, why.trigger()).await
        } else {
            Ok(cached)
        }
    }

    fn is_wanted(&self, why: &RefreshReason, row: &Row, cached: &CachedRecord) -> bool {
        let vault = &self.vault.0;
        let now = vault.clock.now();
        let by_itself = matches!(why, RefreshReason::MinLife(_) | RefreshReason::Scheduled);
        if by_itself
            && cached.has_impossible_times(&vault.settings, now)
            && vault.memory.has_sent_lately(&self.key, vault.clock.boot_time())
        {
            return false;
        }
        why.applies(row.due, cached, &self.vault.0.settings, now)
            && cached.may_be_sent(why, &self.vault.0.settings, now)
    }

    /// Writes ahead, sends, and writes down what came of it. A crash is the only way out that leaves the attempt open.
    async fn exchange(&self, held: &HeldLease, cached: &Arc<CachedRecord>, trigger: Trigger) -> JobResult {
        let Some(token) = &cached.record.body.tokens.refresh_token else { return Ok(Arc::clone(cached)) };
        if self.vault.is_closing() {
            return Err(VaultError::Stopping);
        }
        let expected = match self.begin(held).await {
            Ok(Begun::Yes(expected)) => expected,
            Ok(Begun::Moved(row)) if held.has_lost_only_the_lease(&row) => return Err(VaultError::Busy),
            Ok(Begun::Moved(row)) => return self.adopt(&row, held.asked),
            Err(setback) => return self.close_unsent(held, setback).await,
        };
        let started = self.vault.0.clock.monotonic();
        let Some((sent, answer)) = self.send(held, &cached.record, token).await else {
            return self.close_unsent(held, VaultError::StoreUnavailable).await;
        };
        let context = AttemptContext { sent, now: self.vault.0.clock.now(), process: &self.vault.0.settings.process };
        let transition = cached.record.after(cached.state, answer, trigger, context);
        let took = self.vault.0.clock.monotonic().saturating_sub(started);
        let retry = self.vault.0.settings.refresh_policy.retry();
        let line = RefreshLine::of(&transition.record, transition.failure, took, retry);
        let cached = CachedRecord { record: transition.record, state: transition.state, limits: cached.limits };
        self.write_down(&expected, Arc::new(cached), line).await
    }

    /// "Attempt A started": nothing is sent unless the store has said yes to it.
    async fn begin(&self, held: &HeldLease) -> Result<Begun, VaultError> {
        match self.swap_under(held, &held.reopened(Some(&held.owner))).await? {
            Cas::Applied => Ok(Begun::Yes(held.attempted())),
            Cas::Conflict(row) => Ok(Begun::Moved(row)),
            Cas::NoRow => Err(VaultError::NotConnected),
        }
    }

    /// Sends the token; once more, at once, if no answer came. Nothing if the lease has no time left for it.
    async fn send(&self, held: &HeldLease, record: &Record, token: &RefreshToken) -> Option<Sent> {
        match self.send_once(held, token).await? {
            lost @ (_, RefreshOutcome::Unknown(_)) => {
                log_lost_response(record);
                let again = self.send_once(held, token).await;
                Some(again.map_or(lost, |(sent, answer)| (sent, answer.answering_a_retry())))
            }
            // Whoever started the attempt that is taken over may have sent the token, and never saw the response.
            (sent, answer) if held.row.attempt.as_ref().is_some_and(|attempt| !self.is_ours(attempt)) => {
                Some((sent, answer.answering_a_retry()))
            }
            sent => Some(sent),
        }
    }

    async fn send_once(&self, held: &HeldLease, token: &RefreshToken) -> Option<Sent> {
        let vault = &self.vault.0;
        if vault.clock.boot_time() + vault.settings.send_budget() > held.ends {
            return None;
        }
        vault.memory.sending(&self.key, vault.clock.boot_time());
        let sent = vault.clock.now();
        let answer = vault.clock.timeout(vault.settings.exchange_timeout, vault.provider.refresh(token)).await;
        Some((sent, answer.map_or_else(RefreshOutcome::no_answer, RefreshOutcome::read)))
    }
}

/// When the token was sent, and what came back.
type Sent = (OffsetDateTime, RefreshOutcome);

/// How writing ahead ended.
enum Begun {
    /// Sending is allowed; this is what the row is until then.
    Yes(Expected),
    /// Something else happened to the row.
    Moved(Box<Row>),
}
