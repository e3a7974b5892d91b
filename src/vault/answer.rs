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
