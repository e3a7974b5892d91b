//! What a record becomes by the outcome of a refresh (docs/vault.md, rule 7): a pure function of record, outcome and
//! time.

use std::time::Duration;

use oauth2::RefreshToken;
use time::OffsetDateTime;

use crate::{
    provider::{IdToken, PartialTokens, TokenResponse},
    store::records::State,
    vault::{
        record::{
            Record, RecordBody,
            cause::{Cause, FailureKind},
            history::{Exchanged, ProviderMessage, RefreshFailure},
            rotation::Rotation,
            token_set::TokenSet,
        },
        refresh::{backoff, outcome::RefreshOutcome},
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

/// When and where an exchange was made.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptContext<'a> {
    /// A token's life is counted from here: the provider issued it after this, and before it arrived.
    pub(super) sent: OffsetDateTime,
    pub(super) now: OffsetDateTime,
    pub(super) process: &'a str,
}

/// What a record becomes.
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
        Transition { record, state: cause.kind().next_state(state), failure: Some(failure) }
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

impl FailureKind {
    /// A pending import stays pending until it has an owner, or is dead. Only tokens revive a dead connection.
    fn next_state(self, state: State) -> State {
        match (self, state) {
            (Self::Dead, _) | (_, State::Dead) => State::Dead,
            (_, State::Pending) => State::Pending,
            (Self::Transient, _) => State::Live,
            (Self::Blocked, _) => State::Blocked,
        }
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
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use oauth2::AccessToken;
    use secrecy::SecretString;

    use super::*;
    use crate::{
        keys::Keyring,
        provider::{ExchangeError, ResponseProblem},
        vault::{Identity, Issuer, NextStep, Retry},
    };

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const CONTEXT: AttemptContext<'_> = AttemptContext { sent: NOW, now: NOW, process: "test" };

    fn record() -> Record {
        let tokens = TokenSet::dated(
            AccessToken::new("access-1".to_owned()),
            Some(RefreshToken::new("refresh-1".to_owned())),
            Some("openid".to_owned()),
            Some(Duration::from_secs(1000)),
            NOW,
        );
        let keys = Keyring::new(&SecretString::from("a secret of no importance"), &[]);
        let issuer = Issuer { client_id: "client".to_owned(), token_endpoint: "https://tenant.test".to_owned() };
        Record::minted(&keys, tokens, Identity::default(), issuer)
    }

    fn reply(refresh_token: Option<&str>) -> TokenResponse {
        TokenResponse {
            access_token: AccessToken::new("access-2".to_owned()),
            refresh_token: refresh_token.map(|token| RefreshToken::new(token.to_owned())),
            id_token: None,
            scope: None,
            expires_in: Some(Duration::from_secs(1000)),
        }
    }

    fn tokens(refresh_token: Option<&str>) -> RefreshOutcome {
        RefreshOutcome::Tokens(reply(refresh_token))
    }

    fn tokens_naming(claims: &str) -> RefreshOutcome {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
        let id_token = Some(IdToken::new(format!("e30.{payload}.unsigned")));
        RefreshOutcome::Tokens(TokenResponse { id_token, ..reply(Some("refresh-2")) })
    }

    fn refused(status: u16, code: &str, description: &str) -> RefreshOutcome {
        let (code, description) = (code.to_owned(), description.to_owned());
        RefreshOutcome::of_response(Err(ExchangeError::refused(status, code, description)))
    }

    fn busy() -> RefreshOutcome {
        RefreshOutcome::of_response(Err(ExchangeError::Unavailable { status: 503, code: None, retry_after: None }))
    }

    /// What a live record becomes, all at one time.
    fn then(record: &Record, outcome: RefreshOutcome) -> Transition {
        record.after(State::Live, outcome, Trigger::Ordinary, CONTEXT)
    }

    fn state_after(state: State, outcome: RefreshOutcome) -> State {
        record().after(state, outcome, Trigger::Ordinary, CONTEXT).state
    }

    fn refresh_token(record: &Record) -> Option<&str> {
        record.body.tokens.refresh_token.as_ref().map(|token| token.secret().as_str())
    }

    fn failure(record: &Record) -> &RefreshFailure {
        record.body.history.failure.as_ref().expect("it failed")
    }

    #[test]
    fn a_new_refresh_token_takes_the_place_of_the_old_one() {
        let Transition { record, state, .. } = then(&record(), tokens(Some("refresh-2")));
        assert_eq!((state, record.generation, refresh_token(&record)), (State::Live, 2, Some("refresh-2")));
        assert_eq!(record.body.history.rotation, Rotation::Seen);
    }

    #[test]
    fn a_new_refresh_token_without_a_usable_access_token_is_kept_and_counts_as_a_failure() {
        let only = |id_token| {
            let partial = PartialTokens { refresh_token: RefreshToken::new("refresh-2".to_owned()), id_token };
            let (problem, partial) = (ResponseProblem::NoToken, Some(Box::new(partial)));
            RefreshOutcome::of_response(Err(ExchangeError::MalformedResponse { status: 200, problem, partial }))
        };
        for (before, after) in
            [(State::Live, State::Live), (State::Dead, State::Live), (State::Pending, State::Pending)]
        {
            let Transition { record, state, .. } = record().after(before, only(None), Trigger::Ordinary, CONTEXT);
            assert_eq!((state, record.generation, refresh_token(&record)), (after, 2, Some("refresh-2")));
            assert_eq!(record.body.tokens.access_token.secret(), "access-1");
            assert_eq!(failure(&record).cause, Cause::UnusableResponse);
        }
        let mut known = record();
        known.body.identity.sub = Some("auth0|ada".to_owned());
        let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"auth0|eve"}"#);
        let transition = then(&known, only(Some(IdToken::new(format!("e30.{payload}.unsigned")))));
        assert_eq!((transition.state, refresh_token(&transition.record)), (State::Dead, Some("refresh-1")));
    }

    #[test]
    fn a_reply_without_a_refresh_token_or_scope_keeps_the_old_ones() {
        for empty in [None, Some("")] {
            let Transition { record, .. } = then(&record(), tokens(empty));
            assert_eq!(refresh_token(&record), Some("refresh-1"));
            assert_eq!(record.body.tokens.scope.as_deref(), Some("openid"));
            assert_eq!(record.body.history.rotation, Rotation::NotSeen);
        }
    }

    #[test]
    fn only_invalid_grant_is_death_whatever_the_status() {
        for status in [400, 401, 403, 404] {
            assert_eq!(state_after(State::Live, refused(status, "invalid_grant", "")), State::Dead);
        }
        for code in ["invalid_client", "access_denied", "unauthorized_client", "invalid_request"] {
            assert_eq!(state_after(State::Live, refused(401, code, "")), State::Blocked, "{code}");
        }
    }

    #[test]
    fn a_transient_failure_changes_nothing_but_the_time_of_the_next_try() {
        for outcome in [busy(), RefreshOutcome::no_response()] {
            let Transition { record, state, .. } = then(&record(), outcome);
            assert_eq!((state, record.generation, refresh_token(&record)), (State::Live, 1, Some("refresh-1")));
            assert!(failure(&record).retry_at > Some(NOW));
        }
    }

    #[test]
    fn only_tokens_revive_a_dead_connection() {
        assert_eq!(state_after(State::Dead, busy()), State::Dead);
        assert_eq!(state_after(State::Dead, refused(401, "invalid_client", "")), State::Dead);
        assert_eq!(state_after(State::Dead, tokens(None)), State::Live);
    }

    #[test]
    fn a_pending_import_stays_pending_until_it_has_an_owner_or_is_dead() {
        assert_eq!(state_after(State::Pending, tokens(None)), State::Pending);
        assert_eq!(state_after(State::Pending, refused(401, "invalid_client", "")), State::Pending);
        assert_eq!(state_after(State::Pending, refused(403, "invalid_grant", "")), State::Dead);
    }

    fn named(sub: &str, iss: Option<&str>) -> Record {
        let mut record = record();
        record.body.identity.sub = Some(sub.to_owned());
        record.body.identity.iss = iss.map(str::to_owned);
        record
    }

    #[test]
    fn tokens_of_another_user_or_issuer_are_dropped_and_the_connection_is_dead() {
        for claims in [
            r#"{"sub":"mallory","iss":"https://tenant.test/"}"#,
            r#"{"sub":"ada","iss":"https://other.test/"}"#,
            r#"{"sub":"mallory"}"#,
            r#"{"iss":"https://other.test/"}"#,
        ] {
            let ada = named("ada", Some("https://tenant.test/"));
            let Transition { record, state, .. } = then(&ada, tokens_naming(claims));
            assert_eq!((state, record.generation), (State::Dead, 1), "{claims}");
            assert_eq!(refresh_token(&record), Some("refresh-1"), "{claims}");
            assert_eq!(failure(&record).cause, Cause::IdentityChanged);
            assert!(failure(&record).message.to_string().starts_with("identity-changed: "), "{claims}");
        }
    }

    #[test]
    fn an_id_token_of_a_refresh_is_used_for_nothing_but_that_comparison() {
        let same = r#"{"sub":"ada","iss":"https://tenant.test/","exp":1,"aud":"another client","nonce":"another"}"#;
        for (record, claims) in [
            (named("ada", Some("https://tenant.test/")), same),
            (named("ada", Some("https://tenant.test/")), "not JSON"),
            (named("ada", Some("https://tenant.test/")), r#"{"sub":7}"#),
            (named("ada", None), r#"{"sub":"ada","iss":"https://other.test/"}"#),
            (record(), r#"{"sub":"anybody","iss":"https://other.test/"}"#),
        ] {
            let transition = then(&record, tokens_naming(claims));
            assert_eq!((transition.state, transition.record.generation), (State::Live, 2), "{claims}");
        }
    }

    #[test]
    fn each_refusal_has_its_cause_and_next_step() {
        for (code, description, cause, step) in [
            ("mfa_required", "", Cause::InteractionRequired, NextStep::LogInAgain),
            ("unauthorized", "user is blocked", Cause::UserBlocked, NextStep::LogInAgain),
            ("access_denied", "Not from this network", Cause::Denied, NextStep::AskAdministrator),
            ("invalid_client", "", Cause::ClientRejected, NextStep::Check),
            ("invalid_request", "", Cause::Other, NextStep::Check),
        ] {
            let Transition { record, state, .. } = then(&record(), refused(403, code, description));
            assert_eq!((state, failure(&record).cause), (State::Blocked, cause), "{code}");
            assert_eq!(cause.next_step(Retry::Automatic), step, "{code}");
        }
    }

    #[test]
    fn invalid_grant_after_a_lost_response_names_that_as_the_cause_until_tokens_are_received() {
        let ended = || refused(403, "invalid_grant", "");
        let lost = then(&then(&record(), RefreshOutcome::no_response()).record, busy()).record;
        assert_eq!(failure(&then(&lost, ended()).record).cause, Cause::ResponseLost);
        let recovered = then(&lost, tokens(None)).record;
        assert_eq!(failure(&then(&recovered, ended()).record).cause, Cause::GrantEnded);
    }

    #[test]
    fn failures_in_a_row_wait_longer_and_keep_their_start() {
        let first = then(&record(), busy()).record;
        let later = AttemptContext { now: NOW + Duration::from_secs(10), ..CONTEXT };
        let second = first.after(State::Live, busy(), Trigger::Ordinary, later).record;
        assert_eq!((failure(&second).failures, failure(&second).since), (2, NOW));
        assert!(failure(&second).retry_at >= Some(later.now + Duration::from_secs(2)));
    }

    #[test]
    fn tokens_that_expire_at_once_are_saved_and_the_next_refresh_backs_off_longer_each_time() {
        let mut record = record();
        let mut waits = Vec::new();
        for generation in 2..6 {
            let reply = TokenResponse { expires_in: Some(Duration::from_millis(1900)), ..reply(Some("refresh-2")) };
            let transition = then(&record, RefreshOutcome::Tokens(reply));
            record = transition.record;
            assert_eq!((transition.state, record.generation), (State::Live, generation));
            waits.push(failure(&record).retry_at.expect("it is retried") - NOW);
        }
        assert!(waits.is_sorted_by(|one, next| *next >= 4 * *one / 3), "{waits:?}");
        assert_eq!(then(&record, tokens(None)).record.body.history.failure, None);
    }

    #[test]
    fn a_token_lives_from_when_it_was_requested() {
        let late = AttemptContext { now: NOW + Duration::from_secs(9), ..CONTEXT };
        let renewed = record().after(State::Live, tokens(None), Trigger::Ordinary, late).record;
        assert_eq!(renewed.body.tokens.expires_at, NOW + Duration::from_secs(1000));
    }

    #[test]
    fn a_tenth_of_the_life_or_more_is_left_when_a_record_is_due() {
        let due = record().due(State::Live).expect("it has a refresh token");
        assert!((NOW + Duration::from_secs(850)..=NOW + Duration::from_secs(900)).contains(&due));
        assert_eq!(record().due(State::Dead), None);
    }
}
