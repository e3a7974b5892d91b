//! What the provider's answer means (rule 7): a pure function from record, answer and time to what comes next.

use std::time::Duration;

use oauth2::RefreshToken;
use time::OffsetDateTime;

use crate::{
    provider::{ExchangeError, TokenReply},
    store::records::State,
};

use super::{
    Contents, Record, TokenSet,
    backoff::{self, Spread},
    history::{Exchanged, Rotation, Trouble, TroubleKind, Words},
};

/// The provider's answer, sorted by what it means.
#[derive(Debug)]
pub(super) enum Answer {
    /// New tokens.
    Tokens(TokenReply),
    /// It may well work next time, and not before this, if it told.
    Transient { told: Option<Duration>, words: Words },
    /// `invalid_grant`.
    Dead(Words),
    /// Any other code.
    Blocked(Words),
    /// It was sent, and what came of it is unknown.
    Unknown(Words),
}

/// Why an exchange is made, as far as its outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The token runs out, or a person asked.
    Ordinary,
    /// The API refused a token that should be good.
    Forced,
}

/// When and where an answer came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// A token's life is counted from here: the provider made it later than this, and earlier than it arrived.
    pub(super) sent: OffsetDateTime,
    pub(super) now: OffsetDateTime,
    pub(super) process: &'a str,
}

/// What a record becomes.
#[derive(Debug)]
pub(super) struct Verdict {
    /// One generation on with new tokens, else the same with a note of what went wrong.
    pub(super) record: Record,
    pub(super) state: State,
}

impl Answer {
    /// Sorts an answer. The order is the rule: a 500 that says `invalid_grant` proves nothing about the grant.
    pub(super) fn read(answer: Result<TokenReply, ExchangeError>) -> Self {
        match answer {
            Ok(reply) => Self::Tokens(reply),
            Err(ExchangeError::NoAnswer { .. }) => Self::no_answer(),
            Err(ExchangeError::NotSent { .. }) => Self::transient(Words::only("could not be reached")),
            Err(ExchangeError::Nonsense { status, what }) => {
                Self::transient(Words { status: Some(status), code: None, text: what.to_string() })
            }
            Err(ExchangeError::Busy { status, code, retry_after }) => Self::Transient {
                told: retry_after,
                words: Words { status: Some(status), code, text: "busy, or broken".to_owned() },
            },
            Err(ExchangeError::Refused { status, code, description }) => {
                Self::refused(Words { status: Some(status), code: Some(code), text: description })
            }
        }
    }

    /// Nothing came back from a request that was sent.
    pub(super) fn no_answer() -> Self {
        Self::Unknown(Words::only("did not answer"))
    }

    fn transient(words: Words) -> Self {
        Self::Transient { told: None, words }
    }

    fn refused(words: Words) -> Self {
        let busy = words.status.is_some_and(|status| status == 429 || status >= 500);
        match words.code.as_deref() {
            _ if busy => Self::transient(words),
            Some("too_many_requests" | "temporarily_unavailable" | "server_error") => Self::transient(words),
            Some("invalid_grant") => Self::Dead(words),
            _ => Self::Blocked(words),
        }
    }
}

impl Words {
    fn only(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }
}

impl Record {
    /// What this record, in this state, becomes by an answer.
    pub(super) fn after(&self, state: State, answer: Answer, occasion: Occasion, moment: Moment<'_>) -> Verdict {
        match answer {
            Answer::Tokens(reply) => {
                let state = if state == State::Pending { state } else { State::Live };
                Verdict { record: self.renewed(reply, occasion, moment), state }
            }
            // A person tried a dead connection once more. Only tokens prove that it lives.
            Answer::Transient { .. } | Answer::Unknown(_) | Answer::Blocked(_) if state == State::Dead => {
                Verdict { record: self.clone(), state }
            }
            Answer::Transient { told, words } => {
                let failures = self.failures(TroubleKind::Transient);
                let wait = backoff::transient(failures, told, self.spread(failures));
                self.troubled(state, TroubleKind::Transient, words, Some(moment.now + wait), moment)
            }
            Answer::Unknown(words) => self.after(state, Answer::transient(words), occasion, moment),
            Answer::Blocked(words) => {
                let wait = backoff::blocked(self.failures(TroubleKind::Blocked));
                self.troubled(state, TroubleKind::Blocked, words, Some(moment.now + wait), moment)
            }
            Answer::Dead(words) => self.troubled(state, TroubleKind::Dead, words, None, moment),
        }
    }

    /// When the keeper should look at this record next.
    pub(super) fn due(&self, state: State) -> Option<OffsetDateTime> {
        let tokens = &self.contents.tokens;
        if !matches!(state, State::Live | State::Blocked) || tokens.refresh_token.is_none() {
            return None;
        }
        let usual = tokens.expires_at - backoff::margin(tokens.life(), self.spread(0));
        match &self.contents.history.trouble {
            Some(Trouble { kind: TroubleKind::Transient, retry_at, .. }) => retry_at.map(|retry| retry.max(usual)),
            Some(trouble) => trouble.retry_at,
            None => Some(usual),
        }
    }

    fn renewed(&self, reply: TokenReply, occasion: Occasion, moment: Moment<'_>) -> Self {
        let Contents { tokens: old, identity, issuer, minted_at, mut history } = self.contents.clone();
        let fresh = reply.refresh_token.filter(|token| !token.secret().is_empty());
        let rotation = Rotation::seen(old.refresh_token.as_ref(), fresh.as_ref());
        let tokens = TokenSet::dated(
            reply.access_token,
            fresh.or(old.refresh_token),
            reply.scope.or(old.scope),
            reply.expires_in,
            moment.sent,
        );
        history.exchanges += 1;
        history.forced = if occasion == Occasion::Forced { history.forced + 1 } else { 0 };
        history.last = Some(Exchanged { at: moment.now, by: moment.process.to_owned() });
        history.rotation = rotation;
        history.trouble = None;
        let contents = Contents { tokens, identity, issuer, minted_at, history };
        Self { connection_id: self.connection_id.clone(), generation: self.generation + 1, contents }
    }

    fn troubled(
        &self,
        state: State,
        kind: TroubleKind,
        words: Words,
        retry_at: Option<OffsetDateTime>,
        moment: Moment<'_>,
    ) -> Verdict {
        let mut record = self.clone();
        let history = &mut record.contents.history;
        let since = history.trouble.as_ref().filter(|old| old.kind == kind).map_or(moment.now, |old| old.since);
        let failures = self.failures(kind);
        history.trouble = Some(Trouble { kind, since, failures, retry_at, words, by: moment.process.to_owned() });
        Verdict { record, state: kind.follows(state) }
    }

    /// The number of this failure among those in a row with the same meaning, from 1.
    fn failures(&self, kind: TroubleKind) -> u32 {
        let before = self.contents.history.trouble.as_ref().filter(|old| old.kind == kind);
        before.map_or(0, |old| old.failures).saturating_add(1)
    }

    fn spread(&self, failures: u32) -> Spread {
        Spread::by((self.connection_id.as_str(), self.generation, failures))
    }
}

impl TroubleKind {
    /// What the vault may do with such a connection. A pending import stays one until it has an owner, or is dead.
    fn follows(self, state: State) -> State {
        match (self, state) {
            (Self::Dead, _) => State::Dead,
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
    use oauth2::AccessToken;
    use secrecy::SecretString;

    use super::*;
    use crate::{
        keys::Keyring,
        provider::Nonsense,
        vault::{Identity, Issuer},
    };

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const MOMENT: Moment<'_> = Moment { sent: NOW, now: NOW, process: "test" };

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

    fn after(state: State, answer: Result<TokenReply, ExchangeError>) -> Verdict {
        record().after(state, Answer::read(answer), Occasion::Ordinary, MOMENT)
    }

    fn refresh_token(verdict: &Verdict) -> Option<&str> {
        verdict.record.contents.tokens.refresh_token.as_ref().map(|token| token.secret().as_str())
    }

    #[test]
    fn a_new_refresh_token_takes_the_place_of_the_old_one() {
        let verdict = after(State::Live, Ok(reply(Some("refresh-2"))));
        assert_eq!(refresh_token(&verdict), Some("refresh-2"));
        assert_eq!((verdict.state, verdict.record.generation), (State::Live, 2));
        assert_eq!(verdict.record.contents.history.rotation, Rotation::Seen);
    }

    #[test]
    fn a_reply_without_a_refresh_token_or_scope_keeps_the_old_ones() {
        for empty in [None, Some("")] {
            let verdict = after(State::Live, Ok(reply(empty)));
            assert_eq!(refresh_token(&verdict), Some("refresh-1"));
            assert_eq!(verdict.record.contents.tokens.scope.as_deref(), Some("openid"));
            assert_eq!(verdict.record.contents.history.rotation, Rotation::NotSeen);
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
            let words = format!("{error:?}");
            let verdict = after(State::Live, Err(error));
            assert_eq!((verdict.state, verdict.record.generation), (State::Live, 1), "{words}");
            assert_eq!(refresh_token(&verdict), Some("refresh-1"), "{words}");
            assert!(verdict.record.contents.history.trouble.is_some_and(|trouble| trouble.retry_at > Some(NOW)));
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

    #[test]
    fn failures_in_a_row_wait_longer_and_keep_their_beginning() {
        let busy = || Answer::read(Err(ExchangeError::Busy { status: 503, code: None, retry_after: None }));
        let first = record().after(State::Live, busy(), Occasion::Ordinary, MOMENT).record;
        let later = Moment { now: NOW + Duration::from_secs(10), ..MOMENT };
        let second = first.after(State::Live, busy(), Occasion::Ordinary, later).record;
        let trouble = second.contents.history.trouble.expect("it failed twice");
        assert_eq!((trouble.failures, trouble.since), (2, NOW));
        assert!(trouble.retry_at >= Some(later.now + Duration::from_secs(2)));
    }

    #[test]
    fn a_tenth_of_the_life_or_more_is_left_when_a_record_is_due() {
        let due = record().due(State::Live).expect("it is renewable");
        assert!((NOW + Duration::from_secs(850)..=NOW + Duration::from_secs(900)).contains(&due));
        assert_eq!(record().due(State::Dead), None);
    }

    #[test]
    fn a_token_lives_from_when_it_was_asked_for() {
        let late = Moment { now: NOW + Duration::from_secs(9), ..MOMENT };
        let verdict = record().after(State::Live, Answer::Tokens(reply(None)), Occasion::Ordinary, late);
        assert_eq!(verdict.record.contents.tokens.expires_at, NOW + Duration::from_secs(1000));
    }
}
