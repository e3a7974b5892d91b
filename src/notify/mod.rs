//! Tells `NOTIFY_URL` when a connection needs a person, and when it works again.
//!
//! What was reported about a connection is a row of its own in the store. A process claims an event by compare-and-swap
//! before it sends it, and notes the result afterwards, so any number of replicas send it once. If the process dies in
//! between, another one sends it again, with the same id.

mod message;
mod receiver;
mod state;

use std::{collections::HashMap, sync::Arc, time::Duration};

use time::OffsetDateTime;
use tokio::sync::watch;
use url::Url;

pub(crate) use self::receiver::HttpReceiver;
use self::state::{NotificationState, Observation, Pending};
pub use self::{
    message::Message,
    receiver::{DeliveryError, Receiver},
};
use crate::{
    clock::Clock,
    store::{NotificationSwap, Notifications, RowKey},
    vault::{ListEntry, Status, Vault},
};

const INTERVAL: Duration = Duration::from_secs(30);
/// The shortest pause between two checks.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// How long the claim of another process is respected, by the boot-time clock of the process that has watched it.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(60);
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// The task that reports events.
#[derive(Debug)]
pub struct Notifier {
    vault: Vault,
    store: Arc<dyn Notifications>,
    receiver: Box<dyn Receiver>,
    clock: Clock,
    login_url: Url,
    process: String,
    interval: Duration,
    /// The claims of other processes, by key: the version of the row, and since when it has been seen.
    claims: HashMap<RowKey, (u64, Duration)>,
}

/// Whether to continue after a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Continue,
    /// The receiver failed, so the other events wait for the next round.
    End,
}

impl Notifier {
    /// A notifier that has sent nothing. `process` is a name that no other process and no earlier start uses.
    #[must_use]
    pub fn new(
        vault: Vault,
        store: Arc<dyn Notifications>,
        receiver: Box<dyn Receiver>,
        clock: Clock,
        login_url: Url,
        process: String,
    ) -> Self {
        Self { vault, store, receiver, clock, login_url, process, interval: INTERVAL, claims: HashMap::new() }
    }

    /// Checks the connections at least this often.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Reports until the sender of `stopping` is dropped. A delivery that is under way then is finished.
    pub async fn run(mut self, mut stopping: watch::Receiver<()>) {
        while stopping.has_changed().is_ok() {
            let pause = self.round(&stopping).await;
            tokio::select! {
                _ = stopping.changed() => {}
                () = self.clock.sleep(pause) => {}
            }
        }
    }

    /// Checks every connection once. Returns how long to wait until the next check.
    async fn round(&mut self, stopping: &watch::Receiver<()>) -> Duration {
        let listed = self.vault.list().await;
        let rows = self.clock.timeout(STORE_TIMEOUT, self.store.notifications()).await;
        let (Ok(listed), Some(Ok(rows))) = (listed, rows) else {
            // While the store does not respond, a delivery could not be noted, and would be repeated.
            self.claims.clear();
            return self.interval;
        };
        let mut stored: HashMap<_, _> = rows.into_iter().map(|row| (row.key, (row.version, row.state))).collect();
        let mut next = None;
        for entry in listed {
            let ListEntry::Connection(status) = entry else { continue };
            let (version, json) = stored.remove(&status.key).unwrap_or_default();
            let now = self.clock.now();
            let Some(observed) = Observation::of(&status, now) else { continue };
            let before = NotificationState::read(&json);
            let after = before.clone().advance(&observed, now);
            next = earlier(next, after.next_look(&observed));
            if stopping.has_changed().is_err() || self.report(&status, version, &before, after).await == Round::End {
                return SHORTEST_PAUSE;
            }
        }
        let now = self.clock.now();
        let pause = next.map_or(self.interval, |next| Duration::try_from(next - now).unwrap_or_default());
        pause.clamp(SHORTEST_PAUSE, self.interval)
    }

    /// Sends the pending event, if that is this process's to do, and notes what has changed.
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
            if after != *before {
                self.swap(key, version, &after).await;
            }
            return Round::Continue;
        };
        let claimed = after.claimed_by(&self.process);
        let asked = self.clock.boot_time();
        if self.swap(key, version, &claimed).await != Some(NotificationSwap::Applied)
            // A process that was suspended here may have lost its claim.
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

    /// Notes the result of a delivery, as soon as the store responds.
    async fn note(&self, key: &RowKey, version: u64, state: &NotificationState) {
        while self.swap(key, version, state).await.is_none() {
            self.clock.sleep(SHORTEST_PAUSE).await;
        }
    }

    fn may_send(&mut self, key: &RowKey, version: u64, pending: &Pending, now: OffsetDateTime) -> bool {
        match &pending.claimed_by {
            None => pending.is_due(now),
            // This process sends one event at a time, so it is not being sent: the response to the claim was lost.
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

    /// Nothing if the store did not respond.
    async fn swap(&self, key: &RowKey, over: u64, state: &NotificationState) -> Option<NotificationSwap> {
        let state = state.to_json();
        let swap = self.store.swap_notification(key, over, &state);
        self.clock.timeout(STORE_TIMEOUT, swap).await?.ok()
    }
}

fn earlier(one: Option<OffsetDateTime>, other: Option<OffsetDateTime>) -> Option<OffsetDateTime> {
    one.into_iter().chain(other).min()
}
