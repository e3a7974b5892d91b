//! What this process remembers of each record, and which task works on it (docs/vault.md, rules 1 and 2).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;

use crate::store::{
    Limits, RowKey,
    records::{Head, State},
};

use super::{
    Record,
    settings::{BLIND, CONFIRMED, REDATE_EVERY, WATCHED},
    task::Task,
};

/// A record that can be handed out, as it stood in the store, or as it will.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) record: Record,
    pub(super) state: State,
    pub(super) limits: Option<Limits>,
}

impl Known {
    /// Whether it is a kept record: a mint record ends with its session.
    pub(super) fn is_kept(&self) -> bool {
        self.limits.is_none()
    }

    /// Whether the store says of it what memory says.
    pub(super) fn is(&self, head: &Head) -> bool {
        self.state == head.state
            && self.record.generation == head.version.generation
            && self.is_connection(&head.version.connection_id)
    }

    pub(super) fn is_connection(&self, connection_id: &str) -> bool {
        self.record.connection_id.as_str() == connection_id
    }

    /// Whether this is a later token set of the same connection.
    fn is_newer_than(&self, other: &Self) -> bool {
        self.is_connection(other.record.connection_id.as_str()) && self.record.generation > other.record.generation
    }
}

/// All records in use.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<RowKey, Slot>>);

/// One of them. It lies here while somebody works on it, and for as long as it can be handed out.
#[derive(Debug, Default)]
struct Slot {
    known: Option<Arc<Known>>,
    sight: Sight,
    /// Whether `known` is a set that the store does not have yet.
    unsaved: bool,
    look: Option<Arc<Task>>,
    work: Option<Arc<Task>>,
    /// When this process last sent its refresh token, by the boot-time clock.
    sent: Option<Duration>,
}

/// When the store was last asked, by the boot-time clock.
#[derive(Clone, Copy, Debug, Default)]
enum Sight {
    #[default]
    Never,
    /// It said so. The time is that of the question, since the answer may be older than it looks.
    Confirmed(Duration),
    /// It did not answer. It is `watched` if it was asked again and again since it said so.
    Blind { at: Duration, watched: bool },
}

impl Sight {
    /// Whether nobody can have forgotten the record through this store without this process having been told.
    fn is_watched(self, now: Duration) -> bool {
        match self {
            Self::Never => false,
            Self::Confirmed(at) => now <= at + WATCHED,
            Self::Blind { at, watched } => watched && now <= at + WATCHED,
        }
    }

    /// The store has not answered just now.
    fn blinded(self, now: Duration) -> Self {
        Self::Blind { at: now, watched: self.is_watched(now) }
    }
}

/// The two kinds of task. One of each may be under way for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads, so it may run beside an exchange that takes its time.
    Look,
    /// Whatever takes the lease.
    Work,
}

/// What a caller finds who wants a task.
pub(super) enum Boarding {
    /// None was under way; the caller starts this one.
    Start(Arc<Task>),
    /// One is.
    Join(Arc<Task>),
    /// One has its result and is still busy writing it down; nothing new can start.
    Aftermath(Arc<Task>),
}

impl Memory {
    /// A record that can be used without asking: confirmed lately, not saved yet, or of a store that is silent.
    pub(super) fn glance(&self, key: &RowKey, now: Duration) -> Option<Arc<Known>> {
        let slots = self.slots();
        let slot = slots.get(key)?;
        let fresh = match slot.sight {
            Sight::Never => false,
            Sight::Confirmed(at) => now <= at + CONFIRMED,
            Sight::Blind { at, .. } => now <= at + BLIND,
        };
        slot.known.as_ref().filter(|_| fresh || slot.unsaved).cloned()
    }

    /// What is remembered, however old.
    pub(super) fn known(&self, key: &RowKey) -> Option<Arc<Known>> {
        self.slots().get(key)?.known.clone()
    }

    /// Whether any token in memory is good at this time.
    pub(super) fn has_token(&self, now: OffsetDateTime) -> bool {
        let good = |known: &Arc<Known>| !known.record.contents.tokens.left(now).is_zero();
        self.slots().values().any(|slot| slot.known.as_ref().is_some_and(good))
    }

    /// How many sets are still to be saved.
    pub(super) fn unsaved(&self) -> usize {
        self.slots().values().filter(|slot| slot.unsaved).count()
    }

    /// Takes over what the store said to a question of that time. What was asked earlier never replaces what was
    /// asked later, and nothing replaces a set that is still to be saved; but a later set of the same connection is
    /// always the better one.
    pub(super) fn learn(&self, key: &RowKey, known: Arc<Known>, asked: Duration) {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_default();
        let newer = slot.known.as_ref().is_none_or(|old| known.is_newer_than(old));
        if newer || !slot.outdates(asked) {
            slot.known = Some(known);
            slot.sight = Sight::Confirmed(asked);
        }
    }

    /// The store said, to a question of that time, that what is remembered still holds.
    pub(super) fn confirm(&self, key: &RowKey, known: &Arc<Known>, asked: Duration) {
        if let Some(slot) = self.slots().get_mut(key)
            && slot.known.as_ref().is_some_and(|same| Arc::ptr_eq(same, known))
            && !slot.outdates(asked)
        {
            slot.sight = Sight::Confirmed(asked);
        }
    }

    /// The store did not answer. What is remembered is good to its expiry.
    pub(super) fn blind(&self, key: &RowKey, now: Duration) -> Option<Arc<Known>> {
        let mut slots = self.slots();
        let slot = slots.get_mut(key)?;
        slot.sight = slot.sight.blinded(now);
        slot.known.clone()
    }

    /// The store answers nobody, so there is no need to ask it about each record.
    pub(super) fn blind_all(&self, now: Duration) {
        self.slots().values_mut().for_each(|slot| slot.sight = slot.sight.blinded(now));
    }

    /// Whether the store did not answer when it was last asked about this record.
    pub(super) fn is_blind(&self, key: &RowKey) -> bool {
        self.slots().get(key).is_some_and(|slot| matches!(slot.sight, Sight::Blind { .. }))
    }

    /// Whether a store that has lost this record gets it back: a set that it never had, or one that nobody can have
    /// forgotten without this process having been told.
    pub(super) fn may_be_put_back(&self, key: &RowKey, now: Duration) -> bool {
        self.slots().get(key).is_some_and(|slot| slot.unsaved || slot.sight.is_watched(now))
    }

    /// The keys of all records that can be handed out, in order.
    pub(super) fn cached(&self) -> BTreeSet<RowKey> {
        let slots = self.slots();
        slots.iter().filter(|(_, slot)| slot.known.is_some()).map(|(key, _)| key.clone()).collect()
    }

    /// The store said, to a question of that time, that there is nothing to hand out.
    pub(super) fn forget(&self, key: &RowKey, asked: Duration) {
        if let Some(slot) = self.slots().get_mut(key)
            && !slot.outdates(asked)
        {
            slot.known = None;
            slot.sight = Sight::Never;
        }
    }

    /// Keeps what the store could not be told yet; `unsaved` if it is a set that exists nowhere else.
    pub(super) fn keep(&self, key: &RowKey, known: Arc<Known>, unsaved: bool, now: Duration) {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_default();
        slot.known = Some(known);
        slot.unsaved = unsaved;
        slot.sight = slot.sight.blinded(now);
    }

    /// This process is about to send the refresh token.
    pub(super) fn sending(&self, key: &RowKey, now: Duration) {
        self.slots().entry(key.clone()).or_default().sent = Some(now);
    }

    /// Whether this process sent the refresh token of this record lately.
    pub(super) fn has_sent_lately(&self, key: &RowKey, now: Duration) -> bool {
        self.slots().get(key).and_then(|slot| slot.sent).is_some_and(|sent| now < sent + REDATE_EVERY)
    }

    /// The store has taken over what was kept, or something newer.
    pub(super) fn settled(&self, key: &RowKey) {
        if let Some(slot) = self.slots().get_mut(key) {
            slot.unsaved = false;
        }
    }

    /// Joins the task of this kind, or becomes the one who starts it.
    pub(super) fn board(&self, key: &RowKey, kind: Kind) -> Boarding {
        let mut slots = self.slots();
        let under = slots.entry(key.clone()).or_default().under(kind);
        match under {
            Some(task) if task.has_landed() => Boarding::Aftermath(Arc::clone(task)),
            Some(task) => Boarding::Join(Arc::clone(task)),
            None => Boarding::Start(Arc::clone(under.insert(Arc::default()))),
        }
    }

    /// The task of this kind has ended, however it did. A mint record is not remembered beyond that.
    pub(super) fn leave(&self, key: &RowKey, kind: Kind) {
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(key) else { return };
        *slot.under(kind) = None;
        let keep = slot.unsaved || slot.known.as_ref().is_some_and(|known| known.is_kept());
        if !keep && slot.look.is_none() && slot.work.is_none() {
            slots.remove(key);
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<RowKey, Slot>> {
        // Nothing panics while it is held, so a poisoned lock still guards whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn under(&mut self, kind: Kind) -> &mut Option<Arc<Task>> {
        match kind {
            Kind::Look => &mut self.look,
            Kind::Work => &mut self.work,
        }
    }

    /// Whether something later is known than the answer to a question of that time.
    fn outdates(&self, asked: Duration) -> bool {
        self.unsaved || matches!(self.sight, Sight::Confirmed(at) if at > asked)
    }
}
