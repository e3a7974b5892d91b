//! What a record becomes by the outcome of a refresh (docs/vault.md, rule 7): a pure function of record, outcome and
//! time.

use std::time::Duration;

use oauth2::RefreshToken;
use time::OffsetDateTime;

use crate::{
    provider::{IdToken, PartialTokens, TokenResponse},
    store::records::State,
    vault::{
        backoff,
        record::{
            Record, RecordBody,
            cause::{Cause, FailureKind},
            history::{Exchanged, ProviderMessage, RefreshFailure},
            rotation::Rotation,
            token_set::TokenSet,
        },
        refresh::outcome::RefreshOutcome,
    },
};

/// An access token with a shorter life has expired when it arrives.
const SHORTEST_LIFE: Duration = Duration::from_secs(2);

/// Why an exchange is made, as far as its outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The token expires, or a person asked.
    Ordinary,
    /// The API rejected a token that should be valid.
    Forced,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptContext<'a> {
    /// A token's life is counted from here: the provider issued it after this, and before it arrived.
    pub(super) sent: OffsetDateTime,
    pub(super) now: OffsetDateTime,
    pub(super) process: &'a str,
}

#[derive(Debug)]
pub(super) struct Transition {
    /// The next generation with new tokens, or the same one with a note of what went wrong.
    pub(super) record: Record,
    pub(super) state: State,
    /// Why there are no new tokens. It is not in the record if a person tried a dead connection once more in vain.
    pub(super) failure: Option<RefreshFailure>,
}

impl Record {
    /// What this record, in this state, becomes by an outcome.
    pub(super) fn after(
        &self,
        state: State,
        outcome: RefreshOutcome,
        trigger: Trigger,
        context: AttemptContext<'_>,
    ) -> Transition {
        match outcome {
            RefreshOutcome::Tokens(TokenResponse { id_token, .. })
            | RefreshOutcome::RefreshTokenOnly { tokens: PartialTokens { id_token, .. }, .. }
                if self.names_another_user(id_token.as_ref()) =>
            {
                self.failed(state, Cause::IdentityChanged, another_user(), None, context)
            }
            RefreshOutcome::Tokens(reply) => {
                self.renewed(reply, trigger, context).back_off_if_short(granted(state), context)
            }
            RefreshOutcome::RefreshTokenOnly { tokens, message } => {
                let record = self.with_refresh_token(tokens.refresh_token);
                record.failed_for_now(granted(state), Cause::UnusableResponse, message, None, context)
            }
            RefreshOutcome::Transient { cause, retry_after, message } => {
                self.failed_for_now(state, cause, message, retry_after, context)
            }
            RefreshOutcome::Unknown(message) => {
                let mut transition = self.failed_for_now(state, Cause::NoResponse, message, None, context);
                transition.record.body.history.response_lost_at = Some(context.now);
                transition
            }
            RefreshOutcome::Refused { cause, message } => {
                let cause = self.likely_cause(state, cause);
                let wait = match cause.kind() {
                    FailureKind::Dead => None,
                    FailureKind::Transient | FailureKind::Blocked => Some(backoff::blocked(self.failures(cause))),
                };
                self.failed(state, cause, message, wait, context)
            }
        }
    }

    /// What `invalid_grant` means for this record.
    fn likely_cause(&self, state: State, cause: Cause) -> Cause {
        match cause {
            Cause::GrantEnded if self.body.history.response_lost_at.is_some() => Cause::ResponseLost,
            Cause::GrantEnded if state == State::Pending => Cause::ImportRefused,
            other => other,
        }
    }

    /// An id_token that cannot be decoded proves nothing.
    fn names_another_user(&self, id_token: Option<&IdToken>) -> bool {
        let Some(id_token) = id_token else { return false };
        let subject = id_token.unverified_subject();
        if subject.is_none() {
            tracing::warn!(connection = %self.connection_id, "a refresh's id_token could not be decoded and was ignored");
        }
        subject.is_some_and(|subject| self.body.identity.is_contradicted_by(&subject))
    }

    fn renewed(&self, reply: TokenResponse, trigger: Trigger, context: AttemptContext<'_>) -> Self {
        let RecordBody { tokens: old, identity, issuer, minted_at, mut history } = self.body.clone();
        let new_refresh_token = reply.refresh_token.filter(|token| !token.secret().is_empty());
        history.rotation = match (&new_refresh_token, &old.refresh_token) {
            (Some(new), Some(old)) if new.secret() == old.secret() => Rotation::NotSeen,
            (Some(_), _) => Rotation::Seen,
            (None, _) => Rotation::NotSeen,
        };
        let tokens = TokenSet::dated(
            reply.access_token,
            new_refresh_token.or(old.refresh_token),
            reply.scope.or(old.scope),
            reply.expires_in,
            context.sent,
        );
        history.exchanges += 1;
        history.forced = if trigger == Trigger::Forced { history.forced + 1 } else { 0 };
        history.last = Some(Exchanged { at: context.now, by: context.process.to_owned() });
        history.response_lost_at = None;
        // Another set that expires at once is the same failure, and counts on.
        history.failure = history.failure.filter(|old| old.cause == Cause::UnusableResponse && is_too_short(&tokens));
        let body = RecordBody { tokens, identity, issuer, minted_at, history };
        Self { connection_id: self.connection_id.clone(), generation: self.generation + 1, body }
    }

    /// The next generation, with the old access token: the old refresh token is spent.
    fn with_refresh_token(&self, refresh_token: RefreshToken) -> Self {
        let mut record = Self { generation: self.generation + 1, ..self.clone() };
        record.body.tokens.refresh_token = Some(refresh_token);
        record.body.history.rotation = Rotation::Seen;
        record.body.history.response_lost_at = None;
        record
    }

    /// A set that expires at once is saved like any other, and the next refresh backs off: otherwise each call would
    /// exchange.
    fn back_off_if_short(self, state: State, context: AttemptContext<'_>) -> Transition {
        if !is_too_short(&self.body.tokens) {
            return Transition { record: self, state, failure: None };
        }
        let message = ProviderMessage::of_text("issued an access token that expires at once");
        self.failed_for_now(state, Cause::UnusableResponse, message, None, context)
    }

    fn failed_for_now(
        &self,
        state: State,
        cause: Cause,
        message: ProviderMessage,
        retry_after: Option<Duration>,
        context: AttemptContext<'_>,
    ) -> Transition {
        let failures = self.failures(cause);
        let wait = backoff::transient(failures, retry_after, self.jitter(failures));
        self.failed(state, cause, message, Some(wait), context)
    }

    fn failed(
        &self,
        state: State,
        cause: Cause,
        message: ProviderMessage,
        wait: Option<Duration>,
        context: AttemptContext<'_>,
    ) -> Transition {
        let mut record = self.clone();
        let failure = RefreshFailure {
            cause,
            since: self.failing_with(cause).map_or(context.now, |old| old.since),
            failures: self.failures(cause),
            retry_at: wait.map(|wait| context.now + wait),
            message,
            by: context.process.to_owned(),
        };
        // A person tried a dead connection once more. Only tokens prove that it works.
        if state != State::Dead || cause.kind() == FailureKind::Dead {
            record.body.history.failure = Some(failure.clone());
        }
        Transition { record, state: next_state(cause.kind(), state), failure: Some(failure) }
    }

    /// The number of this failure among those in a row with the same meaning, from 1.
    fn failures(&self, cause: Cause) -> u32 {
        self.failing_with(cause).map_or(0, |old| old.failures).saturating_add(1)
    }

    /// The failure that a new one of this cause continues.
    fn failing_with(&self, cause: Cause) -> Option<&RefreshFailure> {
        self.body.history.failure.as_ref().filter(|old| old.kind() == cause.kind())
    }
}

/// A pending import stays pending until it has an owner, or is dead. Only tokens revive a dead connection.
fn next_state(kind: FailureKind, state: State) -> State {
    match (kind, state) {
        (FailureKind::Dead, _) | (_, State::Dead) => State::Dead,
        (_, State::Pending) => State::Pending,
        (FailureKind::Transient, _) => State::Live,
        (FailureKind::Blocked, _) => State::Blocked,
    }
}

/// The state of a record for which the provider issued tokens.
fn granted(state: State) -> State {
    match state {
        State::Pending => State::Pending,
        State::Live | State::Blocked | State::Dead | State::Revoking | State::Tombstone => State::Live,
    }
}

fn is_too_short(tokens: &TokenSet) -> bool {
    tokens.life() < SHORTEST_LIFE
}

fn another_user() -> ProviderMessage {
    ProviderMessage {
        status: None,
        code: Some("identity-changed".to_owned()),
        text: "the id_token of the response names another user or issuer than the login".to_owned(),
    }
}

#[cfg(test)]
mod tests;
