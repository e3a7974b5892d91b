//! What the provider's response means (docs/vault.md, rule 7): a pure function of record, response and time.

use std::time::Duration;

use oauth2::RefreshToken;
use time::OffsetDateTime;

use crate::{
    provider::{ExchangeError, Refusal, TokenReply},
    store::records::State,
    telemetry::{certificate_fix, innermost},
    vault::{
        Record, RecordBody, TokenSet,
        record::{
            cause::{Cause, FailureKind},
            history::{Exchanged, ProviderMessage, RefreshFailure, Rotation},
        },
        refresh::backoff::{self, Jitter},
    },
};

/// A token with a shorter life is of no use: it has expired when it arrives.
const SHORTEST_LIFE: Duration = Duration::from_secs(2);

/// The provider's answer, sorted by what it means.
#[derive(Debug)]
pub(crate) enum RefreshOutcome {
    /// New tokens.
    Tokens(TokenReply),
    /// Retryable. `retry_after` is the provider's hint, if it gave one.
    Transient { cause: Cause, retry_after: Option<Duration>, message: ProviderMessage },
    /// An error code.
    Refused { cause: Cause, message: ProviderMessage },
    /// It was sent, and what came of it is unknown.
    Unknown(ProviderMessage),
}

/// Why an exchange is made, as far as its outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The token runs out, or a person asked.
    Ordinary,
    /// The API refused a token that should be good.
    Forced,
}

/// When and where an answer came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptContext<'a> {
    /// A token's life is counted from here: the provider made it later than this, and earlier than it arrived.
    pub(crate) sent: OffsetDateTime,
    pub(crate) now: OffsetDateTime,
    pub(crate) process: &'a str,
}

/// What a record becomes.
#[derive(Debug)]
pub(crate) struct Transition {
    /// One generation on with new tokens, else the same with a note of what went wrong.
    pub(crate) record: Record,
    pub(crate) state: State,
    /// Why there are no new tokens. A dead connection that a person tried once more keeps its own reason instead.
    pub(crate) failure: Option<RefreshFailure>,
}

impl RefreshOutcome {
    /// Sorts an answer. The order is the rule: a 500 that says `invalid_grant` proves nothing about the grant.
    pub(crate) fn read(answer: Result<TokenReply, ExchangeError>) -> Self {
        match answer {
            Ok(reply) => Self::Tokens(reply),
            Err(ExchangeError::NoAnswer { .. }) => Self::no_answer(),
            Err(ExchangeError::NotSent { source }) => {
                Self::transient(Cause::Unreachable, ProviderMessage::only(&unreachable(&*source)))
            }
            Err(ExchangeError::Nonsense { status, what }) => Self::transient(
                Cause::UnusableResponse,
                ProviderMessage { status: Some(status), code: None, text: what.to_string() },
            ),
            Err(ExchangeError::Busy { status, code, retry_after }) => Self::Transient {
                cause: Cause::Busy,
                retry_after,
                message: ProviderMessage { status: Some(status), code, text: "busy, or broken".to_owned() },
            },
            Err(ExchangeError::Refused { status, code, description }) => Self::refused(status, code, description),
        }
    }

    /// Nothing came back from a request that was sent.
    pub(crate) fn no_answer() -> Self {
        Self::Unknown(ProviderMessage::only("did not respond in time"))
    }

    /// The answer to a token that was sent before, without a response: `invalid_grant` then means that the first
    /// exchange worked (docs/vault.md, rule 7).
    pub(crate) fn answering_a_retry(self) -> Self {
        match self {
            Self::Refused { cause: Cause::GrantEnded, message } => {
                Self::Refused { cause: Cause::ResponseLost, message }
            }
            other => other,
        }
    }

    fn transient(cause: Cause, message: ProviderMessage) -> Self {
        Self::Transient { cause, retry_after: None, message }
    }

    fn refused(status: u16, code: String, description: String) -> Self {
        let cause = Refusal::of(status, &code, &description).into();
        let busy = status == 429
            || status >= 500
            || ["too_many_requests", "temporarily_unavailable", "server_error"].contains(&code.as_str());
        let message = ProviderMessage { status: Some(status), code: Some(code), text: description };
        if busy { Self::transient(Cause::Busy, message) } else { Self::Refused { cause, message } }
    }
}

/// A certificate that is not trusted stays so until the operator acts; every other cause passes.
fn unreachable(error: &(dyn std::error::Error + 'static)) -> String {
    match certificate_fix(error) {
        Some(fix) => format!("could not be reached: {}. {fix}", innermost(error)),
        None => "could not be reached".to_owned(),
    }
}

impl ProviderMessage {
    fn only(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    fn of_another_user() -> Self {
        let text = "the id_token of the response names another user or issuer than the login".to_owned();
        Self { status: None, code: Some("identity-changed".to_owned()), text }
    }
}

impl Record {
    /// What this record, in this state, becomes by an answer.
    pub(crate) fn after(
        &self,
        state: State,
        answer: RefreshOutcome,
        trigger: Trigger,
        context: AttemptContext<'_>,
    ) -> Transition {
        match answer {
            RefreshOutcome::Tokens(reply) if self.names_another_user(&reply) => {
                self.failing(state, Cause::IdentityChanged, ProviderMessage::of_another_user(), None, context)
            }
            RefreshOutcome::Tokens(reply) => {
                let state = if state == State::Pending { state } else { State::Live };
                self.renewed(reply, trigger, context).backing_off_if_short(state, context)
            }
            RefreshOutcome::Transient { cause, retry_after, message } => {
                let failures = self.failures(cause);
                let wait = backoff::transient(failures, retry_after, self.jitter(failures));
                self.failing(state, cause, message, Some(context.now + wait), context)
            }
            RefreshOutcome::Unknown(message) => {
                let answer = RefreshOutcome::transient(Cause::NoResponse, message);
                let mut transition = self.after(state, answer, trigger, context);
                transition.record.body.history.response_lost_at = Some(context.now);
                transition
            }
            RefreshOutcome::Refused { cause, message } => {
                let cause = self.known_better(state, cause);
                let wait = match cause.kind() {
                    FailureKind::Dead => None,
                    FailureKind::Transient | FailureKind::Blocked => Some(backoff::blocked(self.failures(cause))),
                };
                self.failing(state, cause, message, wait.map(|wait| context.now + wait), context)
            }
        }
    }

    /// What `invalid_grant` means for this record.
    fn known_better(&self, state: State, cause: Cause) -> Cause {
        match cause {
            Cause::GrantEnded if self.body.history.response_lost_at.is_some() => Cause::ResponseLost,
            Cause::GrantEnded if state == State::Pending => Cause::ImportRefused,
            other => other,
        }
    }

    /// docs/vault.md, rule 7, `identity-changed`. An id_token that cannot be decoded proves nothing.
    fn names_another_user(&self, reply: &TokenReply) -> bool {
        let Some(id_token) = &reply.id_token else { return false };
        let subject = id_token.unverified_subject();
        if subject.is_none() {
            tracing::warn!(connection = %self.connection_id, "a refresh's id_token could not be decoded and was ignored");
        }
        subject.is_some_and(|subject| self.body.identity.is_contradicted_by(&subject))
    }

    /// When the keeper should look at this record next.
    pub(crate) fn due(&self, state: State) -> Option<OffsetDateTime> {
        let tokens = &self.body.tokens;
        if !matches!(state, State::Live | State::Blocked) || tokens.refresh_token.is_none() {
            return None;
        }
        let usual = tokens.expires_at - backoff::margin(tokens.life(), self.jitter(0));
        match &self.body.history.failure {
            Some(failure) => match failure.kind() {
                FailureKind::Transient => failure.retry_at.map(|retry| retry.max(usual)),
                FailureKind::Blocked | FailureKind::Dead => failure.retry_at,
            },
            None => Some(usual),
        }
    }

    fn renewed(&self, reply: TokenReply, trigger: Trigger, context: AttemptContext<'_>) -> Self {
        let RecordBody { tokens: old, identity, issuer, minted_at, mut history } = self.body.clone();
        let fresh = reply.refresh_token.filter(|token| !token.secret().is_empty());
        let rotation = Rotation::seen(old.refresh_token.as_ref(), fresh.as_ref());
        let tokens = TokenSet::dated(
            reply.access_token,
            fresh.or(old.refresh_token),
            reply.scope.or(old.scope),
            reply.expires_in,
            context.sent,
        );
        history.exchanges += 1;
        history.forced = if trigger == Trigger::Forced { history.forced + 1 } else { 0 };
        history.last = Some(Exchanged { at: context.now, by: context.process.to_owned() });
        history.rotation = rotation;
        history.response_lost_at = None;
        // One more set that expires at once is the same trouble, and counts on.
        history.failure = history.failure.filter(|old| old.cause == Cause::UnusableResponse && is_too_short(&tokens));
        let body = RecordBody { tokens, identity, issuer, minted_at, history };
        Self { connection_id: self.connection_id.clone(), generation: self.generation + 1, body }
    }

    /// A set that expires at once is saved like any other, and the next refresh backs off: else each call would
    /// exchange.
    fn backing_off_if_short(self, state: State, context: AttemptContext<'_>) -> Transition {
        if !is_too_short(&self.body.tokens) {
            return Transition { record: self, state, failure: None };
        }
        let cause = Cause::UnusableResponse;
        let failures = self.failures(cause);
        let wait = backoff::transient(failures, None, self.jitter(failures));
        let message = ProviderMessage::only("issued an access token that expires at once");
        self.failing(state, cause, message, Some(context.now + wait), context)
    }

    fn failing(
        &self,
        state: State,
        cause: Cause,
        message: ProviderMessage,
        retry_at: Option<OffsetDateTime>,
        context: AttemptContext<'_>,
    ) -> Transition {
        let mut record = self.clone();
        let history = &mut record.body.history;
        let before = history.failure.as_ref().filter(|old| old.kind() == cause.kind());
        let since = before.map_or(context.now, |old| old.since);
        let failures = self.failures(cause);
        let failure = RefreshFailure { cause, since, failures, retry_at, message, by: context.process.to_owned() };
        // A person tried a dead connection once more. Only tokens prove that it works.
        if state != State::Dead || cause.kind() == FailureKind::Dead {
            history.failure = Some(failure.clone());
        }
        Transition { record, state: cause.kind().follows(state), failure: Some(failure) }
    }

    /// The number of this failure among those in a row with the same meaning, from 1.
    fn failures(&self, cause: Cause) -> u32 {
        let before = self.body.history.failure.as_ref().filter(|old| old.kind() == cause.kind());
        before.map_or(0, |old| old.failures).saturating_add(1)
    }

    fn jitter(&self, failures: u32) -> Jitter {
        Jitter::by((self.connection_id.as_str(), self.generation, failures))
    }
}

fn is_too_short(tokens: &TokenSet) -> bool {
    tokens.life() < SHORTEST_LIFE
}

impl FailureKind {
    /// What the vault may do with such a connection. A pending import stays one until it has an owner, or is dead, and
    /// only tokens revive a dead connection.
    fn follows(self, state: State) -> State {
        match (self, state) {
            (Self::Dead, _) | (_, State::Dead) => State::Dead,
            (_, State::Pending) => State::Pending,
            (Self::Transient, _) => State::Live,
            (Self::Blocked, _) => State::Blocked,
        }
    }
}

impl Rotation {
    fn seen(old: Option<&RefreshToken>, fresh: Option<&RefreshToken>) -> Self {
        match fresh {
            Some(fresh) if old.is_none_or(|old| old.secret() != fresh.secret()) => Self::Seen,
            _ => Self::NotSeen,
        }
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
        provider::{IdToken, Nonsense},
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

    fn reply(refresh_token: Option<&str>) -> TokenReply {
        TokenReply {
            access_token: AccessToken::new("access-2".to_owned()),
            refresh_token: refresh_token.map(|token| RefreshToken::new(token.to_owned())),
            id_token: None,
            scope: None,
            expires_in: Some(Duration::from_secs(1000)),
        }
    }

    fn refused(status: u16, code: &str) -> ExchangeError {
        ExchangeError::Refused { status, code: code.to_owned(), description: "words".to_owned() }
    }

    fn after(state: State, answer: Result<TokenReply, ExchangeError>) -> Transition {
        record().after(state, RefreshOutcome::read(answer), Trigger::Ordinary, CONTEXT)
    }

    fn refresh_token(transition: &Transition) -> Option<&str> {
        transition.record.body.tokens.refresh_token.as_ref().map(|token| token.secret().as_str())
    }

    #[test]
    fn a_new_refresh_token_takes_the_place_of_the_old_one() {
        let transition = after(State::Live, Ok(reply(Some("refresh-2"))));
        assert_eq!(refresh_token(&transition), Some("refresh-2"));
        assert_eq!((transition.state, transition.record.generation), (State::Live, 2));
        assert_eq!(transition.record.body.history.rotation, Rotation::Seen);
    }

    #[test]
    fn a_reply_without_a_refresh_token_or_scope_keeps_the_old_ones() {
        for empty in [None, Some("")] {
            let transition = after(State::Live, Ok(reply(empty)));
            assert_eq!(refresh_token(&transition), Some("refresh-1"));
            assert_eq!(transition.record.body.tokens.scope.as_deref(), Some("openid"));
            assert_eq!(transition.record.body.history.rotation, Rotation::NotSeen);
        }
    }

    #[test]
    fn only_invalid_grant_is_death_whatever_the_status() {
        for status in [400, 401, 403, 404] {
            assert_eq!(after(State::Live, Err(refused(status, "invalid_grant"))).state, State::Dead);
        }
        for code in ["invalid_client", "access_denied", "unauthorized_client", "invalid_request"] {
            assert_eq!(after(State::Live, Err(refused(401, code))).state, State::Blocked, "{code}");
        }
    }

    #[test]
    fn a_busy_or_broken_provider_proves_nothing_about_the_grant() {
        for error in [
            refused(500, "invalid_grant"),
            refused(429, "invalid_grant"),
            refused(400, "temporarily_unavailable"),
            refused(403, "too_many_requests"),
            refused(400, "server_error"),
            ExchangeError::Busy { status: 503, code: None, retry_after: None },
            ExchangeError::Nonsense { status: 200, what: Nonsense::NotJson },
            ExchangeError::NotSent { source: "refused".into() },
            ExchangeError::NoAnswer { source: "cut".into() },
        ] {
            let message = format!("{error:?}");
            let transition = after(State::Live, Err(error));
            assert_eq!((transition.state, transition.record.generation), (State::Live, 1), "{message}");
            assert_eq!(refresh_token(&transition), Some("refresh-1"), "{message}");
            assert!(transition.record.body.history.failure.is_some_and(|failure| failure.retry_at > Some(NOW)));
        }
    }

    #[test]
    fn a_dead_connection_that_is_tried_again_comes_alive_by_tokens_alone() {
        let busy = ExchangeError::Busy { status: 503, code: None, retry_after: None };
        assert_eq!(after(State::Dead, Err(busy)).state, State::Dead);
        assert_eq!(after(State::Dead, Err(refused(401, "invalid_client"))).state, State::Dead);
        assert_eq!(after(State::Dead, Ok(reply(None))).state, State::Live);
    }

    #[test]
    fn a_pending_import_stays_one_until_it_has_an_owner() {
        assert_eq!(after(State::Pending, Ok(reply(None))).state, State::Pending);
        assert_eq!(after(State::Pending, Err(refused(401, "invalid_client"))).state, State::Pending);
        assert_eq!(after(State::Pending, Err(refused(403, "invalid_grant"))).state, State::Dead);
    }

    fn named(sub: &str, iss: Option<&str>) -> Record {
        let mut record = record();
        record.body.identity.sub = Some(sub.to_owned());
        record.body.identity.iss = iss.map(str::to_owned);
        record
    }

    fn reply_naming(claims: &str) -> TokenReply {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
        let id_token = Some(IdToken::new(format!("e30.{payload}.unsigned")));
        TokenReply { id_token, ..reply(Some("refresh-2")) }
    }

    #[test]
    fn tokens_of_another_user_or_issuer_are_dropped_and_the_connection_is_dead() {
        for claims in [
            r#"{"sub":"mallory","iss":"https://tenant.test/"}"#,
            r#"{"sub":"ada","iss":"https://other.test/"}"#,
            r#"{"sub":"mallory"}"#,
            r#"{"iss":"https://other.test/"}"#,
        ] {
            let record = named("ada", Some("https://tenant.test/"));
            let transition =
                record.after(State::Live, RefreshOutcome::Tokens(reply_naming(claims)), Trigger::Ordinary, CONTEXT);
            assert_eq!((transition.state, transition.record.generation), (State::Dead, 1), "{claims}");
            assert_eq!(refresh_token(&transition), Some("refresh-1"), "{claims}");
            let failure = transition.record.body.history.failure.expect("it has a reason");
            assert_eq!(failure.cause, Cause::IdentityChanged);
            assert!(failure.message.to_string().starts_with("identity-changed: "), "{}", failure.message);
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
            let transition =
                record.after(State::Live, RefreshOutcome::Tokens(reply_naming(claims)), Trigger::Ordinary, CONTEXT);
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
            let error =
                ExchangeError::Refused { status: 403, code: code.to_owned(), description: description.to_owned() };
            let transition = after(State::Live, Err(error));
            let failure = transition.record.body.history.failure.expect("it failed");
            assert_eq!((transition.state, failure.cause), (State::Blocked, cause), "{code}");
            assert_eq!(failure.cause.next_step(Retry::Automatic), step, "{code}");
        }
    }

    #[test]
    fn invalid_grant_for_a_retry_means_that_the_first_response_was_lost() {
        let answer = RefreshOutcome::read(Err(refused(403, "invalid_grant"))).answering_a_retry();
        let transition = record().after(State::Live, answer, Trigger::Ordinary, CONTEXT);
        assert_eq!(transition.state, State::Dead);
        assert_eq!(transition.record.body.history.failure.expect("it failed").cause, Cause::ResponseLost);
        let answer = RefreshOutcome::read(Err(refused(401, "invalid_client"))).answering_a_retry();
        assert_eq!(record().after(State::Live, answer, Trigger::Ordinary, CONTEXT).state, State::Blocked);
    }

    #[test]
    fn so_it_does_for_a_later_refresh_until_tokens_came() {
        let after = |record: &Record, answer| record.after(State::Live, answer, Trigger::Ordinary, CONTEXT).record;
        let cause = |record: Record| record.body.history.failure.expect("it failed").cause;
        let ended = || RefreshOutcome::read(Err(refused(403, "invalid_grant")));
        let busy = || RefreshOutcome::read(Err(ExchangeError::Busy { status: 503, code: None, retry_after: None }));
        let lost = after(&after(&record(), RefreshOutcome::no_answer()), busy());
        assert_eq!(cause(after(&lost, ended())), Cause::ResponseLost);
        let recovered = after(&lost, RefreshOutcome::Tokens(reply(None)));
        assert_eq!(cause(after(&recovered, ended())), Cause::GrantEnded);
    }

    #[test]
    fn failures_in_a_row_wait_longer_and_keep_their_beginning() {
        let busy = || RefreshOutcome::read(Err(ExchangeError::Busy { status: 503, code: None, retry_after: None }));
        let first = record().after(State::Live, busy(), Trigger::Ordinary, CONTEXT).record;
        let later = AttemptContext { now: NOW + Duration::from_secs(10), ..CONTEXT };
        let second = first.after(State::Live, busy(), Trigger::Ordinary, later).record;
        let failure = second.body.history.failure.expect("it failed twice");
        assert_eq!((failure.failures, failure.since), (2, NOW));
        assert!(failure.retry_at >= Some(later.now + Duration::from_secs(2)));
    }

    #[test]
    fn a_tenth_of_the_life_or_more_is_left_when_a_record_is_due() {
        let due = record().due(State::Live).expect("it is renewable");
        assert!((NOW + Duration::from_secs(850)..=NOW + Duration::from_secs(900)).contains(&due));
        assert_eq!(record().due(State::Dead), None);
    }

    #[test]
    fn tokens_that_expire_at_once_are_saved_and_the_next_refresh_backs_off_longer_each_time() {
        let mut record = record();
        let mut waits = Vec::new();
        for generation in 2..6 {
            let reply = TokenReply { expires_in: Some(Duration::from_millis(1900)), ..reply(Some("refresh-2")) };
            let transition = record.after(State::Live, RefreshOutcome::Tokens(reply), Trigger::Ordinary, CONTEXT);
            record = transition.record;
            assert_eq!((transition.state, record.generation), (State::Live, generation));
            let failure = record.body.history.failure.clone().expect("it backs off");
            waits.push(failure.retry_at.expect("it is tried again") - NOW);
        }
        assert!(waits.is_sorted_by(|one, next| *next >= 4 * *one / 3), "{waits:?}");
        let transition = record.after(State::Live, RefreshOutcome::Tokens(reply(None)), Trigger::Ordinary, CONTEXT);
        assert_eq!(transition.record.body.history.failure, None);
    }

    #[test]
    fn a_token_lives_from_when_it_was_asked_for() {
        let late = AttemptContext { now: NOW + Duration::from_secs(9), ..CONTEXT };
        let transition = record().after(State::Live, RefreshOutcome::Tokens(reply(None)), Trigger::Ordinary, late);
        assert_eq!(transition.record.body.tokens.expires_at, NOW + Duration::from_secs(1000));
    }
}
