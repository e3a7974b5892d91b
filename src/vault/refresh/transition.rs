//! Computes what a record becomes by the outcome of a refresh (docs/vault.md, rule 7), as a pure function of record,
//! outcome and time.

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

/// An access token with a shorter life counts as expired when it arrives.
const SHORTEST_LIFE: Duration = Duration::from_secs(2);

/// Why an exchange is made, as far as its outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Every reason other than a rejected token.
    Ordinary,
    /// The API rejected a token that should be valid.
    Forced,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptContext<'a> {
    /// When the refresh token was sent. The life of a new access token is counted from here, since the provider issued
    /// it later than this.
    pub(super) sent: OffsetDateTime,
    pub(super) now: OffsetDateTime,
    pub(super) process: &'a str,
}

#[derive(Debug)]
pub(super) struct Transition {
    /// The next generation if there is a new token; the same generation with the failure otherwise.
    pub(super) record: Record,
    pub(super) state: State,
    /// Why there is no usable access token. The record of a dead connection does not get it, unless it is a failure of
    /// the kind `Dead`.
    pub(super) failure: Option<RefreshFailure>,
}

impl Record {
    /// Computes what this record, which is in this state, becomes by an outcome.
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
                let cause = self.refine_cause(state, cause);
                let wait = match cause.kind() {
                    FailureKind::Dead => None,
                    FailureKind::Transient | FailureKind::Blocked => Some(backoff::blocked(self.failures(cause))),
                };
                self.failed(state, cause, message, wait, context)
            }
        }
    }

    /// What a refusal means for this record: `invalid_grant` has other causes after a lost response and for an import.
    fn refine_cause(&self, state: State, cause: Cause) -> Cause {
        match cause {
            Cause::GrantEnded if self.body.history.response_lost_at.is_some() => Cause::ResponseLost,
            Cause::GrantEnded if state == State::Pending => Cause::ImportRefused,
            other => other,
        }
    }

    /// Whether the id_token names another user than the login. One that cannot be decoded proves nothing.
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
        // Another set that expires at once continues the failure, so its count is kept. Otherwise the failure is over.
        history.failure = history.failure.filter(|old| old.cause == Cause::UnusableResponse && is_too_short(&tokens));
        let body = RecordBody { tokens, identity, issuer, minted_at, history };
        Self { connection_id: self.connection_id.clone(), generation: self.generation + 1, body }
    }

    /// The next generation, with the new refresh token and the old access token. The old refresh token is spent.
    fn with_refresh_token(&self, refresh_token: RefreshToken) -> Self {
        let mut record = Self { generation: self.generation + 1, ..self.clone() };
        record.body.tokens.refresh_token = Some(refresh_token);
        record.body.history.rotation = Rotation::Seen;
        record.body.history.response_lost_at = None;
        record
    }

    /// Saves a set that expires at once like any other, but as a failure that backs off. Otherwise each call would
    /// cause an exchange.
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
        // A person tried a dead connection again, and the failure is not about the connection itself: it stays dead for
        // the old cause.
        if state != State::Dead || cause.kind() == FailureKind::Dead {
            record.body.history.failure = Some(failure.clone());
        }
        Transition { record, state: next_state(cause.kind(), state), failure: Some(failure) }
    }

    /// How many failures of this kind there have been in a row, with this one; at least 1.
    fn failures(&self, cause: Cause) -> u32 {
        self.failing_with(cause).map_or(0, |old| old.failures).saturating_add(1)
    }

    /// The recorded failure that a new one with this cause continues: one of the same kind.
    fn failing_with(&self, cause: Cause) -> Option<&RefreshFailure> {
        self.body.history.failure.as_ref().filter(|old| old.kind() == cause.kind())
    }
}

/// A failure leaves a pending import pending unless it makes the import dead, and never changes a dead connection.
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
