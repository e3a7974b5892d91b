//! The invariants (a) to (e), which must hold in every schedule.

use std::{collections::HashMap, time::Duration};

use oauth2::AccessToken;
use videoask_auth::{
    store::{
        RowKey,
        records::{Row, State, Version},
    },
    vault::{HandedOut, Record, RecordBody, Settings, VaultError},
};

use super::{
    process::{CLOCK_SKEW, LEASE},
    provider::{ExchangeResult, Family, IssuedAccessToken},
    state::{EPOCH, ProcessId, SimulationState},
};

/// If the store has worked for this long since a connection was forgotten, no process has it in memory.
const FORGOTTEN: Duration = Duration::from_secs(16);

/// How a row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    Put,
    Cas,
    Restore,
    /// The pending row of an import that has found its owner.
    Adopt,
}

/// One refresh request to the tenant.
#[derive(Clone, Debug)]
pub struct SentExchange {
    pub process: ProcessId,
    incarnation: u32,
    key: RowKey,
    pub at: Duration,
    /// When its sender asked for the lease.
    asked: Duration,
    /// How far the sender's wall clock was ahead of the true time.
    pub wall_ahead: time::Duration,
}

/// How a refresh token was spent.
#[derive(Clone, Debug)]
struct SpentToken {
    by: SentExchange,
    /// When the new token set was stored.
    saved: Option<Duration>,
}

/// What happened in a schedule, and which invariants it violated.
#[derive(Debug, Default)]
pub struct Check {
    pub violations: Vec<String>,
    spends: HashMap<String, SpentToken>,
    lost_replies: Vec<String>,
    failed_after_processing: Vec<String>,
    crashes: Vec<(ProcessId, u32, Duration)>,
    inactive: Vec<(ProcessId, Duration, Duration)>,
    store_lost: HashMap<RowKey, Duration>,
    /// When a connection was marked as revoking, unless the store lost that write.
    revoked: HashMap<String, Duration>,
    /// The row that has this refresh token.
    places: HashMap<String, RowKey>,
    /// The latest access token of a connection that was stored.
    latest: HashMap<String, u64>,
    pub exchanges: u64,
    pub hand_outs: u64,
    /// Whose callers were told that only a login helps, and when.
    pub login_needed: Vec<(RowKey, Duration)>,
}

impl Check {
    pub fn fail(&mut self, what: String) {
        self.violations.push(what);
    }

    pub fn reply_lost(&mut self, token: &str) {
        self.lost_replies.push(token.to_owned());
    }

    pub fn failed_after_processing(&mut self, token: &str) {
        self.failed_after_processing.push(token.to_owned());
    }

    pub fn crashed(&mut self, process: ProcessId, incarnation: u32, now: Duration) {
        self.crashes.push((process, incarnation, now));
    }

    /// Whether this process, in this incarnation, was killed before that time.
    pub fn was_killed(&self, process: ProcessId, incarnation: u32, before: Duration) -> bool {
        self.crashes.iter().any(|(p, l, when)| (*p, *l) == (process, incarnation) && *when < before)
    }

    pub fn inactive(&mut self, process: ProcessId, from: Duration, until: Duration) {
        self.inactive.push((process, from, until));
    }

    pub fn store_lost(&mut self, key: &RowKey, now: Duration) {
        self.store_lost.insert(key.clone(), now);
    }

    /// The store lost writes and has this row again, so its connection may no longer be forgotten.
    pub fn store_reverted(&mut self, row: &Row, now: Duration) {
        let connection_id = row.version.connection_id.clone();
        if matches!(row.state, State::Revoking | State::Tombstone) {
            self.revoked.entry(connection_id).or_insert(now);
        } else {
            self.revoked.remove(&connection_id);
        }
    }

    /// The fault that explains why a spent token is sent, which (a) allows: the response was lost, in the network or with
    /// the process that received it; the store lost a write that it had confirmed; or the provider processed the exchange
    /// and returned 500. A response also counts as lost while its process, or its connection to the store, is stopped for
    /// a whole lease. A wrong clock explains nothing.
    fn explanation(
        &self,
        token: &str,
        spend: &SpentToken,
        again: &SentExchange,
        now: Duration,
    ) -> Option<&'static str> {
        let SentExchange { process, incarnation, key, at, asked, .. } = &spend.by;
        let unsaved_until = spend.saved.unwrap_or(Duration::MAX);
        if self.lost_replies.iter().any(|lost| lost == token) {
            return Some("the response was lost");
        }
        if self.failed_after_processing.iter().any(|failed_after_processing| failed_after_processing == token) {
            return Some("the provider processed it and returned 500");
        }
        if self
            .crashes
            .iter()
            .any(|(p, l, when)| (p, l) == (process, incarnation) && at <= when && *when <= unsaved_until)
        {
            return Some("its process crashed");
        }
        if self.store_lost.get(key).is_some_and(|when| when >= asked.min(&again.asked)) {
            return Some("the store lost a write");
        }
        let late = now.min(unsaved_until) >= *asked + LEASE;
        let stopped =
            self.inactive.iter().any(|(p, from, until)| p == process && *from <= unsaved_until && until >= at);
        (late && stopped).then_some("its process was stopped")
    }
}

impl SimulationState {
    pub fn record_send(&mut self, process: ProcessId, token: &str) -> SentExchange {
        let (now, incarnation) = (self.now, self.status(process).incarnation);
        let key = self.check.places.get(token).cloned().unwrap_or_else(|| RowKey(String::new()));
        let asked = self.status(process).asked.get(&key).copied().unwrap_or(now);
        let wall_ahead = self.status(process).wall_ahead;
        SentExchange { process, incarnation, key, at: now, asked, wall_ahead }
    }

    /// Exchanges, and checks (a): no spent token is sent, and none that the tenant did not issue.
    pub fn check_exchange(&mut self, sent: &SentExchange, token: &str) -> ExchangeResult {
        let now = self.now;
        let before = self.tenant.refresh.get(token).map(|known| known.spent.is_some());
        match before {
            None => self.check.fail(format!("(a) p{} sent a token that the tenant did not issue", sent.process)),
            Some(true) => {
                match self.check.spends.get(token).map(|spend| (self.check.explanation(token, spend, sent, now), spend))
                {
                    Some((Some(explanation), _)) => {
                        self.log(format_args!("spent token {token} again, explained by: {explanation}"));
                    }
                    unexplained => {
                        let what = format!("(a) p{} sent the spent {token}; spent by {unexplained:?}", sent.process);
                        self.check.fail(what);
                    }
                }
            }
            Some(false) => {}
        }
        let outcome = self.tenant.exchange(now, token);
        if let ExchangeResult::Granted(_) = outcome {
            self.check.exchanges += 1;
            let spend = SpentToken { by: sent.clone(), saved: None };
            self.check.spends.entry(token.to_owned()).or_insert(spend);
        }
        outcome
    }

    /// Checks (b) and (e) at each write.
    pub fn check_write(&mut self, before: Option<&Row>, after: &Row, how: WriteKind) {
        let now = self.now;
        if let Some(before) = before
            && how != WriteKind::Put
            && before.version.connection_id != after.version.connection_id
        {
            self.check
                .fail(format!("(e) {:?} was overwritten by another connection: {:?}", before.version, after.version));
        }
        let connection_id = &after.version.connection_id;
        if how == WriteKind::Restore
            && let Some(revoked) = self.check.revoked.get(connection_id)
            && now > *revoked + FORGOTTEN
            && self.status.values().all(|status| now > status.store_trouble + FORGOTTEN)
        {
            self.check
                .fail(format!("(e) {connection_id} was written back at {now:?}, and it was forgotten at {revoked:?}"));
        }
        if how != WriteKind::Adopt && matches!(after.state, State::Revoking | State::Tombstone) {
            self.check.revoked.entry(after.version.connection_id.clone()).or_insert(now);
        }
        let Some(contents) = self.open(after) else { return };
        if let Some(token) = &contents.tokens.refresh_token {
            self.check.places.insert(token.secret().clone(), after.key.clone());
        }
        let Some(access) = self.access(&contents) else { return };
        if let Some(spend) = access.of.as_ref().and_then(|of| self.check.spends.get_mut(of)) {
            spend.saved.get_or_insert(now);
        }
        let latest = self.check.latest.entry(after.version.connection_id.clone()).or_default();
        let older = access.serial < *latest;
        *latest = access.serial.max(*latest);
        if older && !self.check.store_lost.contains_key(&after.key) {
            self.check.fail(format!("(e) an older token set overwrote a newer one of {:?}", after.version));
        }
        let died = after.state == State::Dead && before.is_none_or(|before| before.state != State::Dead);
        if died && !self.tenant.families[access.family].ended {
            self.check.fail(format!("(b) {:?} was marked as dead, but its grant has not ended", after.version));
        }
    }

    /// Checks (c) when a token is handed out.
    pub fn check_hand_out(&mut self, process: ProcessId, handed: &HandedOut) {
        self.check.hand_outs += 1;
        let (now, failure) = (self.now, self.status(process).store_trouble);
        let Some(access) = self.tenant.access.get(handed.access_token().secret()).cloned() else {
            return self.check.fail(format!("(c) p{process} handed out a token that the tenant did not issue"));
        };
        if now > access.expires + CLOCK_SKEW && (self.seems_left(process, &access) + CLOCK_SKEW).is_negative() {
            self.check
                .fail(format!("(c) p{process} handed out a token at {now:?}, and it ended at {:?}", access.expires));
        }
        let connection = handed.version().connection_id;
        if let Some(revoked) = self.check.revoked.get(&connection).copied()
            && now > revoked + Duration::from_secs(5)
            && now > failure + Duration::from_secs(5)
            && !self.check.store_lost.contains_key(&key_of(access.family))
        {
            self.check.fail(format!("(c) p{process} handed out a token at {now:?}, and it was revoked at {revoked:?}"));
        }
    }

    /// Checks (d), and the end of (b), when all faults have stopped and callers have asked once more.
    pub fn check_end(&mut self, process: ProcessId, key: &RowKey, end: &Result<HandedOut, VaultError>) {
        let row = self.rows.now.get(key).cloned();
        let contents = row.as_ref().and_then(|row| self.open(row));
        let renewable = contents.as_ref().is_some_and(|contents| contents.tokens.refresh_token.is_some());
        let family = contents.and_then(|contents| Some(self.access(&contents)?.family));
        let lives = family.is_some_and(|family| !self.tenant.families[family].ended);
        let ended = end.as_ref().ok().and_then(|handed| self.ended_token(handed));
        let unknowable = ended.as_ref().is_some_and(|access| self.cannot_know(process, access));
        let fine = match (end, row.as_ref().map(|row| row.state)) {
            (Ok(_), Some(State::Live | State::Blocked | State::Dead)) if unknowable => true,
            (Ok(_), Some(State::Live)) => lives || !renewable,
            (Err(VaultError::ReconnectRequired(_)), Some(State::Live)) => !renewable,
            (Err(VaultError::ReconnectRequired(_)), Some(State::Dead)) => !lives,
            (Err(VaultError::NotConnected), None | Some(State::Revoking | State::Tombstone)) => true,
            _ => false,
        };
        if let Some(IssuedAccessToken { expires, .. }) = ended {
            if unknowable {
                self.log(format_args!("p{process} cannot know that the token expired at {expires:?}"));
            } else {
                self.check.fail(format!("(d) p{process} ends with a token that expired at {expires:?}"));
            }
        }
        if !fine {
            let state = row.map(|row| (row.version, row.state));
            self.check
                .fail(format!("(d) p{process} ends with {end:?}; the row is {state:?}, the grant lives: {lives}"));
        }
    }

    /// The tenant's data of a token that was handed out, if it has expired.
    fn ended_token(&self, handed: &HandedOut) -> Option<IssuedAccessToken> {
        let access = self.tenant.access.get(handed.access_token().secret())?;
        (access.expires + CLOCK_SKEW < self.now).then(|| access.clone())
    }

    /// How much longer a token seems to work, by the clock that dated it and the clock of this process. Both may be wrong.
    fn seems_left(&self, process: ProcessId, access: &IssuedAccessToken) -> time::Duration {
        let wall_ahead = self.status.get(&process).map_or(time::Duration::ZERO, |status| status.wall_ahead);
        let expires = EPOCH + access.expires + access.dated_ahead;
        expires - (self.wall() + wall_ahead)
    }

    /// Whether this process cannot know that a token has expired: a clock that was ahead dated it, so by its dates it is
    /// still valid. Only the API can tell, by rejecting it. If more than its whole life is left by its dates, they are
    /// impossible, and the process can know.
    fn cannot_know(&self, process: ProcessId, access: &IssuedAccessToken) -> bool {
        let left = self.seems_left(process, access);
        let most = self.tenant.life + Settings::CLOCK_TOLERANCE + CLOCK_SKEW;
        !(left + CLOCK_SKEW).is_negative() && left <= most
    }

    /// The token set that the store has now.
    pub fn current(&self, key: &RowKey) -> Option<(Version, AccessToken)> {
        let row = self.rows.now.get(key)?;
        Some((row.version.clone(), self.open(row)?.tokens.access_token))
    }

    /// When the last back-off ends.
    pub fn latest_retry(&self) -> Duration {
        let contents = self.rows.now.values().filter_map(|row| self.open(row));
        let retries = contents.filter_map(|contents| contents.history.failure?.retry_at);
        // A wrong clock wrote a time that is further ahead than the longest back-off, and the vault ignores it.
        let longest = Duration::from_secs(60 * 60) + CLOCK_SKEW;
        let waits = retries.filter_map(|retry| Duration::try_from(retry - EPOCH).ok());
        waits.filter(|retry| *retry <= self.now + longest).max().unwrap_or_default()
    }

    fn open(&self, row: &Row) -> Option<RecordBody> {
        Record::of_row(&self.keys, row).ok().map(|record| record.body)
    }

    fn access(&self, contents: &RecordBody) -> Option<IssuedAccessToken> {
        self.tenant.access.get(contents.tokens.access_token.secret()).cloned()
    }
}

/// The row of a grant's user. The tenant has two users, who log in by turns.
pub fn key_of(family: Family) -> RowKey {
    RowKey(format!("user-{}", family % 2))
}
