//! Sends an event to `NOTIFY_URL` when a connection needs a person, and when it works again.
//!
//! The store has a row for what was reported about a connection. A process claims an event by compare-and-swap before
//! it sends the event, and notes the result afterwards, so any number of replicas send it once. If the process crashes
//! in between, another one sends the event again, with the same id.

mod message;
mod quiet;
mod receiver;
mod state;

use std::{collections::HashMap, sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio::sync::watch;
use url::Url;

pub(crate) use self::receiver::HttpReceiver;
pub use self::{
    message::Message,
    receiver::{DeliveryError, Receiver},
};
use self::{
    quiet::QuietRecords,
    state::{NotificationState, Observation, Pending},
};
use crate::{
    clock::Clock,
    store::{
        NotificationRow, NotificationSwap, Notifications, RowKey, StoreError, Watched,
        records::{Page, State},
    },
    vault::{ListEntry, Part, Status, Vault},
};

/// The time between two checks of all connections. A check reads only those that have changed, or whose state changes
/// with time.
const INTERVAL: Duration = Duration::from_secs(30);
/// The shortest pause between two checks, and the pause before a result is saved again.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// How long a process respects the claim of another one after it first saw it, by its own boot-time clock.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(60);
const STORE_TIMEOUT: Duration = Duration::from_secs(2);
/// How many rows are listed at once.
const PAGE: u32 = 500;
/// If at most this many rows of a page have to be read, they are read one by one. Otherwise the whole page is read.
const SINGLE_READS: usize = 20;

/// Checks the connections and reports events.
#[derive(Debug)]
pub struct Notifier {
    vault: Vault,
    store: Arc<dyn Notifications>,
    receiver: Box<dyn Receiver>,
    clock: Clock,
    login_url: Url,
    process: String,
    interval: Duration,
    /// The claims of other processes, by key: the version of the row, and when this process first saw it, by the
    /// boot-time clock.
    claims: HashMap<RowKey, (u64, Duration)>,
    quiet: QuietRecords,
}

/// The store did not respond.
struct Unreachable;

/// Whether a round continues with the next connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Continue,
    /// The receiver failed or the process is stopping, so the other connections wait for the next round.
    End,
}

impl Notifier {
    /// A notifier that does nothing before [`Notifier::run`]. `process` is a name that no other process and no earlier
    /// start of this one uses.
    #[must_use]
    pub fn new(
        vault: Vault,
        store: Arc<dyn Notifications>,
        receiver: Box<dyn Receiver>,
        clock: Clock,
        login_url: Url,
        process: String,
    ) -> Self {
        let (claims, quiet) = (HashMap::new(), QuietRecords::default());
        Self { vault, store, receiver, clock, login_url, process, interval: INTERVAL, claims, quiet }
    }

    /// Sets the longest time between two checks of all connections.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Reports events until the sender of `stopping` is dropped. A delivery that is in flight then is completed.
    pub async fn run(mut self, mut stopping: watch::Receiver<()>) {
        while stopping.has_changed().is_ok() {
            let pause = self.round(&stopping).await;
            tokio::select! {
                _ = stopping.changed() => {}
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// Checks the connections once, until a delivery fails or the process stops. Returns how long to wait until the
    /// next check.
    async fn round(&mut self, stopping: &watch::Receiver<()>) -> Duration {
        let (mut after, mut next) = (None, None);
        loop {
            match self.look_at_page(after.as_ref(), &mut next, stopping).await {
                Ok((Some(last), Round::Continue)) => after = Some(last),
                Ok((None, Round::Continue)) => break,
                Ok((_, Round::End)) => return SHORTEST_PAUSE,
                Err(Unreachable) => {
                    // Another process could not note the result of a delivery during this outage, so the watch over its
                    // claim starts again.
                    self.claims.clear();
                    return self.interval;
                }
            }
        }
        let now = self.clock.now();
        let pause =
            next.map_or(self.interval, |next: OffsetDateTime| Duration::try_from(next - now).unwrap_or_default());
        pause.clamp(SHORTEST_PAUSE, self.interval)
    }

    /// Checks the page of connections after this key. Returns the last key of the page, if there may be another page.
    async fn look_at_page(
        &mut self,
        after: Option<&RowKey>,
        next: &mut Option<OffsetDateTime>,
        stopping: &watch::Receiver<()>,
    ) -> Result<(Option<RowKey>, Round), Unreachable> {
        let rows = self.call_store(self.store.watched(Page { after, limit: PAGE })).await?;
        let last = rows.last().filter(|_| rows.len() == PAGE as usize).map(|row| row.key.clone());
        let (now, margin) = (self.clock.now(), self.interval.try_into().unwrap_or_default());
        let is_wanted = |row: &Watched| !row.key.is_import() && !self.quiet.has(row, now, margin);
        let wanted: Vec<_> = rows.into_iter().filter(is_wanted).collect();
        let is_connection = |row: &&Watched| row.head.state != State::Tombstone;
        let mut entries = match wanted.iter().filter(is_connection).count() {
            ..=SINGLE_READS => HashMap::new(),
            _ => self.read_page(after).await?,
        };
        for row in wanted {
            if row.head.state == State::Tombstone {
                self.forget(&row).await?;
                continue;
            }
            let status = match entries.remove(&row.key) {
                Some(status) => Some(status),
                None => self.read(&row.key).await?,
            };
            let Some(status) = status else { continue };
            let round =
                if stopping.has_changed().is_err() { Round::End } else { self.look_at(&row, &status, next).await? };
            if round == Round::End {
                return Ok((last, Round::End));
            }
        }
        Ok((last, Round::Continue))
    }

    /// Checks one connection that is new, has changed, or may be in another state because of the time.
    async fn look_at(
        &mut self,
        row: &Watched,
        status: &Status,
        next: &mut Option<OffsetDateTime>,
    ) -> Result<Round, Unreachable> {
        let now = self.clock.now();
        let Some(observed) = Observation::of(status, now) else {
            return Ok(Round::Continue);
        };
        let stored = match row.notified {
            0 => None,
            _ => self.call_store(self.store.notification(&row.key)).await?,
        };
        let (version, json) = stored.map(|NotificationRow { version, state, .. }| (version, state)).unwrap_or_default();
        let before = NotificationState::read(&json);
        let after = before.clone().advance(&observed, now);
        *next = earlier(*next, after.next_look(&observed));
        // `row` was listed before the record was read. If the record changed in between, the next round sees that the
        // row differs.
        if let Some(until) = after.quiet_until(&observed, now).filter(|_| !after.is_news(&before)) {
            self.quiet.insert(row, until);
        }
        Ok(self.report(status, version, &before, after).await)
    }

    /// Reads a page of connections, by their keys.
    async fn read_page(&self, after: Option<&RowKey>) -> Result<HashMap<RowKey, Status>, Unreachable> {
        let part = Part { after: after.map(|key| key.0.clone()), limit: PAGE as usize };
        let (entries, _) = self.vault.entries(part).await.map_err(|_| Unreachable)?;
        let statuses = entries.into_iter().filter_map(status_of);
        Ok(statuses.map(|status| (status.key.clone(), status)).collect())
    }

    /// Reads one connection; `None` if it cannot be decrypted or does not exist.
    async fn read(&self, key: &RowKey) -> Result<Option<Status>, Unreachable> {
        let entry = self.vault.entry(key).await.map_err(|_| Unreachable)?;
        Ok(entry.and_then(status_of))
    }

    /// Removes the row about a connection that was revoked or forgotten.
    async fn forget(&self, row: &Watched) -> Result<(), Unreachable> {
        if row.notified > 0 {
            self.call_store(self.store.remove_notification(&row.key, row.notified)).await?;
        }
        Ok(())
    }

    async fn call_store<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, Unreachable> {
        self.clock.timeout(STORE_TIMEOUT, call).await.and_then(Result::ok).ok_or(Unreachable)
    }

    /// Sends the pending event if this process may do so, and saves the new state if it has changed.
    async fn report(
        &mut self,
        status: &Status,
        version: u64,
        before: &NotificationState,
        after: NotificationState,
    ) -> Round {
        let key = &status.key;
        let now = self.clock.now();
        let Some(pending) = after.pending.clone().filter(|pending| self.may_send(key, version, pending, now)) else {
            if after.is_news(before) {
                self.swap(key, version, &after).await;
            }
            return Round::Continue;
        };
        let claimed = after.claimed_by(&self.process);
        let asked = self.clock.boot_time();
        if self.swap(key, version, &claimed).await != Some(NotificationSwap::Applied)
            // If the process was suspended here, another one may have taken over the claim.
            || self.clock.boot_time() > asked + CLAIM_TIMEOUT / 2
        {
            return Round::Continue;
        }
        let message = Message::of(&pending, status, &self.login_url);
        let result = self.receiver.deliver(&message).await;
        let now = self.clock.now();
        let (noted, round) = match &result {
            Ok(()) => {
                tracing::info!(event = pending.event.name(), id = pending.id, "notified");
                (claimed.reported(), Round::Continue)
            }
            Err(error) if pending.is_given_up(now) => {
                tracing::error!(%error, event = pending.event.name(), id = pending.id, "a notification was given up after 3 days; check NOTIFY_URL with `videoask-auth check --notify`");
                (claimed.reported(), Round::End)
            }
            Err(error) => {
                tracing::warn!(%error, event = pending.event.name(), id = pending.id, "a notification was not delivered; it is retried");
                (claimed.failed(now), Round::End)
            }
        };
        self.note(key, version + 1, &noted).await;
        round
    }

    /// Saves the result of a delivery, and retries until the store responds.
    async fn note(&self, key: &RowKey, version: u64, state: &NotificationState) {
        while self.swap(key, version, state).await.is_none() {
            self.clock.sleep(SHORTEST_PAUSE).await;
        }
    }

    fn may_send(&mut self, key: &RowKey, version: u64, pending: &Pending, now: OffsetDateTime) -> bool {
        match &pending.claimed_by {
            None => pending.is_due(now),
            // This process sends one event at a time, so the event is not being sent: the claim succeeded, but its
            // response was lost or late.
            Some(owner) if *owner == self.process => true,
            Some(_) => {
                let boot_time = self.clock.boot_time();
                let seen = self.claims.entry(key.clone()).or_insert((version, boot_time));
                if seen.0 != version {
                    *seen = (version, boot_time);
                }
                boot_time >= seen.1 + CLAIM_TIMEOUT
            }
        }
    }

    /// Replaces the row with this version. `None` if the store did not respond.
    async fn swap(&self, key: &RowKey, over: u64, state: &NotificationState) -> Option<NotificationSwap> {
        let state = state.to_json();
        let swap = self.store.swap_notification(key, over, &state);
        self.clock.timeout(STORE_TIMEOUT, swap).await?.ok()
    }
}

fn status_of(entry: ListEntry) -> Option<Status> {
    match entry {
        ListEntry::Connection(status) => Some(*status),
        ListEntry::Tombstone(_) | ListEntry::Unreadable(..) => None,
    }
}

fn earlier(one: Option<OffsetDateTime>, other: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    one.into_iter().chain(other).min()
}
