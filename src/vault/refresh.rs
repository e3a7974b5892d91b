//! The refresh: lease, second reading, write-ahead, exchange, save, in this order (docs/vault.md, rules 3 to 8).

use std::{sync::Arc, time::Duration};

use oauth2::{AccessToken, RefreshToken};
use time::OffsetDateTime;

use crate::store::records::{Expected, Row, State, Swap, Version};

use super::{
    Contents, Record, TokenSet,
    answer::{Answer, Moment, Occasion},
    backoff,
    cause::Cause,
    flight::{Flight, Landing, Setback},
    history::Trouble,
    lease::{Hold, LEASE_TRIES, is_lease_lost},
    memory::Known,
    refresh_log::{RefreshLine, log_lost_response},
    settings::Settings,
};

/// Why a refresh is wanted. Decided again under the lease, since somebody else may have done it.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// A caller needs a token that lives this long.
    Short(Duration),
    /// The keeper found it due.
    Due,
    /// A person pressed the button under this token set.
    Button(Version),
    /// The API refused this token.
    Refused(AccessToken),
    /// It came by `import`, and was never exchanged.
    Import,
}

impl Why {
    fn occasion(&self) -> Occasion {
        match self {
            Self::Refused(_) => Occasion::Forced,
            Self::Short(_) | Self::Due | Self::Button(_) | Self::Import => Occasion::Ordinary,
        }
    }

    /// Whether this is a reason to refresh this record.
    pub(super) fn applies(
        &self,
        due: Option<OffsetDateTime>,
        known: &Known,
        settings: &Settings,
        now: OffsetDateTime,
    ) -> bool {
        let tokens = &known.record.contents.tokens;
        match self {
            Self::Short(life) => tokens.falls_short(*life, settings, now),
            Self::Due => due.is_some_and(|due| due <= now) || known.has_impossible_times(settings, now),
            Self::Button(shown) => known.record.version() == *shown,
            Self::Refused(refused) => {
                tokens.access_token.secret() == refused.secret() && !known.is_worn_out(settings, now)
            }
            Self::Import => Self::import_applies(known.state, &known.record, now),
        }
    }
}

impl Known {
    /// Whether a refresh for this reason may be sent at all.
    pub(super) fn may_be_sent(&self, why: &Why, settings: &Settings, now: OffsetDateTime) -> bool {
        let contents = &self.record.contents;
        let by_person = matches!(why, Why::Button(_));
        let trouble = contents.history.trouble.as_ref();
        let backs_off = trouble.is_some_and(|trouble| trouble.backs_off(settings, now));
        let state_allows = match self.state {
            State::Live | State::Blocked => by_person || !backs_off,
            // The refresh that brought another user's tokens may have spent this one.
            State::Dead => by_person && trouble.is_none_or(|trouble| trouble.cause != Cause::IdentityChanged),
            // Nobody is known to own it; the operator vouches.
            State::Pending => matches!(why, Why::Import),
            State::Revoking | State::Tombstone => false,
        };
        state_allows
            && contents.tokens.refresh_token.is_some()
            && contents.issuer == settings.issuer
            && known_owner_is_allowed(self.state, settings, contents)
    }

    /// Whether forcing a refresh has been tried lately, in vain: the token that came of it is refused too.
    fn is_worn_out(&self, settings: &Settings, now: OffsetDateTime) -> bool {
        let history = &self.record.contents.history;
        let wait = backoff::forced(history.forced);
        let last = history.last.as_ref().filter(|_| history.forced > 0);
        last.is_some_and(|last| !backoff::left(last.at + wait, wait + settings.clock_tolerance, now).is_zero())
    }

    /// Whether a time in it can only come from a clock that was wrong, or the clock is wrong now. Such a record is due.
    pub(super) fn has_impossible_times(&self, settings: &Settings, now: OffsetDateTime) -> bool {
        let contents = &self.record.contents;
        let trouble = contents.history.trouble.as_ref();
        contents.tokens.is_misdated(now, settings.clock_tolerance)
            || trouble.is_some_and(|trouble| {
                trouble.retry_at.is_some_and(|retry| retry > now) && !trouble.backs_off(settings, now)
            })
    }
}

impl Trouble {
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

fn known_owner_is_allowed(state: State, settings: &Settings, contents: &Contents) -> bool {
    state == State::Pending || settings.upkeep.allows(&contents.identity)
}

impl Flight {
    /// Refreshes the record, if that is still wanted once the lease is held.
    pub(super) async fn refresh(&self, why: Why) -> Landing {
        let needless = |row: &Row, asked| match self.adopt(row, asked) {
            Ok(known) if self.is_wanted(&why, row, &known) => None,
            landing => Some(landing),
        };
        for _ in 0..LEASE_TRIES {
            let hold = match self.take_lease(needless).await {
                Ok(hold) => hold,
                Err(landing) => return landing,
            };
            let landing = self.refresh_under(&hold, &why).await;
            let lost = is_lease_lost(&landing);
            if !lost {
                self.land(landing.clone());
            }
            self.release(&hold).await;
            if !lost {
                return landing;
            }
        }
        Err(Setback::Contended)
    }

    async fn refresh_under(&self, hold: &Hold, why: &Why) -> Landing {
        let known = self.adopt(&hold.row, hold.asked)?;
        if self.is_wanted(why, &hold.row, &known) {
            self.exchange(hold, &known, why.occasion()).await
        } else {
            Ok(known)
        }
    }

    fn is_wanted(&self, why: &Why, row: &Row, known: &Known) -> bool {
        let vault = &self.vault.0;
        let now = vault.clock.now();
        let by_itself = matches!(why, Why::Short(_) | Why::Due);
        if by_itself
            && known.has_impossible_times(&vault.settings, now)
            && vault.memory.has_sent_lately(&self.key, vault.clock.boot_time())
        {
            return false;
        }
        why.applies(row.due, known, &self.vault.0.settings, now) && known.may_be_sent(why, &self.vault.0.settings, now)
    }

    /// Writes ahead, sends, and writes down what came of it. A crash is the only way out that leaves the attempt open.
    async fn exchange(&self, hold: &Hold, known: &Arc<Known>, occasion: Occasion) -> Landing {
        let Some(token) = &known.record.contents.tokens.refresh_token else { return Ok(Arc::clone(known)) };
        if self.vault.is_closing() {
            return Err(Setback::Stopping);
        }
        let expected = match self.begin(hold).await {
            Ok(Begun::Yes(expected)) => expected,
            Ok(Begun::Moved(row)) if hold.has_lost_only_the_lease(&row) => return Err(Setback::Contended),
            Ok(Begun::Moved(row)) => return self.adopt(&row, hold.asked),
            Err(setback) => return self.close_unsent(hold, setback).await,
        };
        let started = self.vault.0.clock.monotonic();
        let Some((sent, answer)) = self.send(hold, &known.record, token).await else {
            return self.close_unsent(hold, Setback::StoreUnavailable).await;
        };
        let moment = Moment { sent, now: self.vault.0.clock.now(), process: &self.vault.0.settings.process };
        let verdict = known.record.after(known.state, answer, occasion, moment);
        let took = self.vault.0.clock.monotonic().saturating_sub(started);
        let retry = self.vault.0.settings.upkeep.retry();
        let line = RefreshLine::of(&verdict.record, verdict.failure, took, retry);
        let known = Known { record: verdict.record, state: verdict.state, limits: known.limits };
        self.write_down(&expected, Arc::new(known), line).await
    }

    /// "Attempt A started": nothing is sent unless the store has said yes to it.
    async fn begin(&self, hold: &Hold) -> Result<Begun, Setback> {
        match self.swap_under(hold, &hold.reopened(Some(&hold.owner))).await? {
            Swap::Done => Ok(Begun::Yes(hold.attempted())),
            Swap::Moved(row) => Ok(Begun::Moved(row)),
            Swap::Missing => Err(Setback::NotConnected),
        }
    }

    /// Sends the token; once more, at once, if no answer came. Nothing if the lease has no time left for it.
    async fn send(&self, hold: &Hold, record: &Record, token: &RefreshToken) -> Option<Sent> {
        match self.send_once(hold, token).await? {
            lost @ (_, Answer::Unknown(_)) => {
                log_lost_response(record);
                let again = self.send_once(hold, token).await;
                Some(again.map_or(lost, |(sent, answer)| (sent, answer.answering_a_retry())))
            }
            // Whoever started the attempt that is taken over may have sent the token, and never saw the response.
            (sent, answer) if hold.row.attempt.as_ref().is_some_and(|attempt| !self.is_ours(attempt)) => {
                Some((sent, answer.answering_a_retry()))
            }
            sent => Some(sent),
        }
    }

    async fn send_once(&self, hold: &Hold, token: &RefreshToken) -> Option<Sent> {
        let vault = &self.vault.0;
        if vault.clock.boot_time() + vault.settings.send_budget() > hold.ends {
            return None;
        }
        vault.memory.sending(&self.key, vault.clock.boot_time());
        let sent = vault.clock.now();
        let answer = vault.clock.timeout(vault.settings.exchange_timeout, vault.provider.refresh(token)).await;
        Some((sent, answer.map_or_else(Answer::no_answer, Answer::read)))
    }
}

/// When the token was sent, and what came back.
type Sent = (OffsetDateTime, Answer);

/// How writing ahead ended.
enum Begun {
    /// Sending is allowed; this is what the row is until then.
    Yes(Expected),
    /// Something else happened to the row.
    Moved(Box<Row>),
}
