//! What must hold, whatever happens: the invariants (a) to (e).

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
    process::{LEASE, SKEW},
    provider::{Access, Exchange, Family},
    world::{EPOCH, Inner, ProcessId},
};

/// After this long of a working store nobody has a connection in memory that was forgotten.
const FORGOTTEN: Duration = Duration::from_secs(16);

/// How a row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Put,
    Cas,
    Restore,
    /// The pending row of an import that has found its owner.
    Adopt,
}

/// One request to the tenant.
#[derive(Clone, Debug)]
pub struct Sent {
    pub process: ProcessId,
    life: u32,
    key: RowKey,
    pub at: Duration,
    /// When the sender had asked for the lease.
    asked: Duration,
    /// How far the sender's wall clock was ahead of the true time.
    pub wall_ahead: time::Duration,
}

/// How a refresh token was spent.
#[derive(Clone, Debug)]
struct Spend {
    by: Sent,
    /// When what came of it was stored.
    saved: Option<Duration>,
}

/// What was seen, and what was wrong with it.
#[derive(Debug, Default)]
pub struct Check {
    pub violations: Vec<String>,
    spends: HashMap<String, Spend>,
    lost_replies: Vec<String>,
    denied: Vec<String>,
    crashes: Vec<(ProcessId, u32, Duration)>,
    stood_still: Vec<(ProcessId, Duration, Duration)>,
    store_lost: HashMap<RowKey, Duration>,
    /// When a connection was marked as revoking; not if the store has lost that mark.
    revoked: HashMap<String, Duration>,
    /// In which row a refresh token lies.
    places: HashMap<String, RowKey>,
    /// The latest access token that was stored of a connection.
    latest: HashMap<String, u64>,
    pub exchanges: u64,
    pub hand_outs: u64,
    /// Who was told that only a login helps, and when.
    pub login_needed: Vec<(RowKey, Duration)>,
}

impl Check {
    pub fn fail(&mut self, what: String) {
        self.violations.push(what);
    }

    pub fn reply_lost(&mut self, token: &str) {
        self.lost_replies.push(token.to_owned());
    }

    pub fn denied(&mut self, token: &str) {
        self.denied.push(token.to_owned());
    }

    pub fn crashed(&mut self, process: ProcessId, life: u32, now: Duration) {
        self.crashes.push((process, life, now));
    }

    /// Whether this process was killed in this life, before that time.
    pub fn was_killed(&self, process: ProcessId, life: u32, before: Duration) -> bool {
        self.crashes.iter().any(|(p, l, when)| (*p, *l) == (process, life) && *when < before)
    }

    pub fn stood_still(&mut self, process: ProcessId, from: Duration, until: Duration) {
        self.stood_still.push((process, from, until));
    }

    pub fn store_lost(&mut self, key: &RowKey, now: Duration) {
        self.store_lost.insert(key.clone(), now);
    }

    /// The store goes back to this row, and so to whether its connection was forgotten.
    pub fn store_went_back(&mut self, row: &Row, now: Duration) {
        let connection_id = row.version.connection_id.clone();
        if matches!(row.state, State::Revoking | State::Tombstone) {
            self.revoked.entry(connection_id).or_insert(now);
        } else {
            self.revoked.remove(&connection_id);
        }
    }

    /// The exceptions of (a): the reply was lost, on the wire or with the process that it came to; the store lost a
    /// write that it had acknowledged; or the provider acted and denied it. A reply counts as lost, too, while its
    /// process, or its connection to the store, stands still for a whole lease. No clock is an excuse.
    fn excuse(&self, token: &str, spend: &Spend, again: &Sent, now: Duration) -> Option<&'static str> {
        let Sent { process, life, key, at, asked, .. } = &spend.by;
        let unsaved_until = spend.saved.unwrap_or(Duration::MAX);
        if self.lost_replies.iter().any(|lost| lost == token) {
            return Some("the reply was lost");
        }
        if self.denied.iter().any(|denied| denied == token) {
            return Some("the provider acted and denied it");
        }
        if self.crashes.iter().any(|(p, l, when)| (p, l) == (process, life) && at <= when && *when <= unsaved_until) {
            return Some("its process crashed");
        }
        if self.store_lost.get(key).is_some_and(|when| when >= asked.min(&again.asked)) {
            return Some("the store lost a write");
        }
        let late = now.min(unsaved_until) >= *asked + LEASE;
        let still =
            self.stood_still.iter().any(|(p, from, until)| p == process && *from <= unsaved_until && until >= at);
        (late && still).then_some("its process stood still")
    }
}

impl Inner {
    pub fn note_send(&mut self, process: ProcessId, token: &str) -> Sent {
        let (now, life) = (self.now, self.health(process).life);
        let key = self.check.places.get(token).cloned().unwrap_or_else(|| RowKey(String::new()));
        let asked = self.health(process).asked.get(&key).copied().unwrap_or(now);
        let wall_ahead = self.health(process).wall_ahead;
        Sent { process, life, key, at: now, asked, wall_ahead }
    }

    /// Exchanges, and holds (a): no spent token, and none that the tenant never gave.
    pub fn check_exchange(&mut self, sent: &Sent, token: &str) -> Exchange {
        let now = self.now;
        let before = self.tenant.refresh.get(token).map(|known| known.spent.is_some());
        match before {
            None => self.check.fail(format!("(a) p{} sent a token that the tenant never gave", sent.process)),
            Some(true) => {
                match self.check.spends.get(token).map(|spend| (self.check.excuse(token, spend, sent, now), spend)) {
                    Some((Some(excuse), _)) => self.tell(format_args!("spent token {token} again, excused: {excuse}")),
                    unexcused => {
                        let what = format!("(a) p{} sent the spent {token}; spent by {unexcused:?}", sent.process);
                        self.check.fail(what);
                    }
                }
            }
            Some(false) => {}
        }
        let outcome = self.tenant.exchange(now, token);
        if let Exchange::Granted(_) = outcome {
            self.check.exchanges += 1;
            let spend = Spend { by: sent.clone(), saved: None };
            self.check.spends.entry(token.to_owned()).or_insert(spend);
        }
        outcome
    }

    /// Holds (b) and (e) at each write.
    pub fn check_write(&mut self, before: Option<&Row>, after: &Row, how: How) {
        let now = self.now;
        if let Some(before) = before
            && how != How::Put
            && before.version.connection_id != after.version.connection_id
        {
            self.check
                .fail(format!("(e) {:?} was overwritten by another connection: {:?}", before.version, after.version));
        }
        let connection_id = &after.version.connection_id;
        if how == How::Restore
            && let Some(revoked) = self.check.revoked.get(connection_id)
            && now > *revoked + FORGOTTEN
            && self.health.values().all(|health| now > health.store_trouble + FORGOTTEN)
        {
            self.check
                .fail(format!("(e) {connection_id} was written back at {now:?}, and it was forgotten at {revoked:?}"));
        }
        if how != How::Adopt && matches!(after.state, State::Revoking | State::Tombstone) {
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
            self.check.fail(format!("(b) {:?} was declared dead and lives", after.version));
        }
    }

    /// Holds (c) when a token is handed out.
    pub fn check_hand_out(&mut self, process: ProcessId, handed: &HandedOut) {
        self.check.hand_outs += 1;
        let (now, failure) = (self.now, self.health(process).store_trouble);
        let Some(access) = self.tenant.access.get(handed.access_token().secret()).cloned() else {
            return self.check.fail(format!("(c) p{process} handed out a token that the tenant never gave"));
        };
        if now > access.expires + SKEW && (self.seems_left(process, &access) + SKEW).is_negative() {
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

    /// Holds (d), and the end of (b), when all faults have stopped and callers have asked once more.
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
        if let Some(Access { expires, .. }) = ended {
            if unknowable {
                self.tell(format_args!("p{process} cannot know that the token expired at {expires:?}"));
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

    /// What the tenant knows of a token that was handed out, if it no longer works.
    fn ended_token(&self, handed: &HandedOut) -> Option<Access> {
        let access = self.tenant.access.get(handed.access_token().secret())?;
        (access.expires + SKEW < self.now).then(|| access.clone())
    }

    /// How long a token seems to live still: by the clock that dated it and by the clock of this process, both of which
    /// may be wrong.
    fn seems_left(&self, process: ProcessId, access: &Access) -> time::Duration {
        let wall_ahead = self.health.get(&process).map_or(time::Duration::ZERO, |health| health.wall_ahead);
        let expires = EPOCH + access.expires + access.dated_ahead;
        expires - (self.wall() + wall_ahead)
    }

    /// Whether this process cannot know that a token has ended: a clock that was ahead dated it, so that its dates lie
    /// around the present time. Only the API can tell, by refusing it. Dates that say that more than its whole life is
    /// left give it away.
    fn cannot_know(&self, process: ProcessId, access: &Access) -> bool {
        let left = self.seems_left(process, access);
        let most = self.tenant.life + Settings::CLOCK_TOLERANCE + SKEW;
        !(left + SKEW).is_negative() && left <= most
    }

    /// The set that the store has now.
    pub fn current(&self, key: &RowKey) -> Option<(Version, AccessToken)> {
        let row = self.rows.now.get(key)?;
        Some((row.version.clone(), self.open(row)?.tokens.access_token))
    }

    /// When the last record that waits for a next try may be tried.
    pub fn latest_retry(&self) -> Duration {
        let contents = self.rows.now.values().filter_map(|row| self.open(row));
        let retries = contents.filter_map(|contents| contents.history.failure?.retry_at);
        // One that is further away than the longest back-off is none.
        let longest = Duration::from_secs(60 * 60) + SKEW;
        let waits = retries.filter_map(|retry| Duration::try_from(retry - EPOCH).ok());
        waits.filter(|retry| *retry <= self.now + longest).max().unwrap_or_default()
    }

    fn open(&self, row: &Row) -> Option<RecordBody> {
        Record::of_row(&self.keys, row).ok().map(|record| record.body)
    }

    fn access(&self, contents: &RecordBody) -> Option<Access> {
        self.tenant.access.get(contents.tokens.access_token.secret()).cloned()
    }
}

/// The tenant has two users, who log in by turns.
pub fn key_of(family: Family) -> RowKey {
    RowKey(format!("user-{}", family % 2))
}
