//! What this process remembers of each record, and which task works on it (docs/vault.md, rules 1 and 2).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;

use crate::{
    store::{
        Limits, RowKey,
        records::{RowVersion, State},
    },
    vault::{
        Record,
        refresh::task::Task,
        settings::{CACHE_TTL, REDATE_EVERY, STALE_RETRY, WATCHED},
    },
};

/// A record that can be handed out, as it stood in the store, or as it will.
#[derive(Debug)]
pub(crate) struct CachedRecord {
    pub(crate) record: Record,
    pub(crate) state: State,
    pub(crate) limits: Option<Limits>,
}

impl CachedRecord {
    /// Whether it is a kept record: a mint record ends with its session.
    pub(crate) fn is_kept(&self) -> bool {
        self.limits.is_none()
    }

    /// Whether the store says of it what memory says.
    pub(crate) fn is(&self, head: &RowVersion) -> bool {
        self.state == head.state
            && self.record.generation == head.version.generation
            && self.is_connection(&head.version.connection_id)
    }

    pub(crate) fn is_connection(&self, connection_id: &str) -> bool {
        self.record.connection_id.as_str() == connection_id
    }

    /// Whether this is a later token set of the same connection.
    fn is_newer_than(&self, other: &Self) -> bool {
        self.is_connection(other.record.connection_id.as_str()) && self.record.generation > other.record.generation
    }
}

/// All records in use.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<RowKey, CacheEntry>>);

/// One of them. It lies here while somebody works on it, and for as long as it can be handed out.
#[derive(Debug, Default)]
struct CacheEntry {
    cached: Option<Arc<CachedRecord>>,
    sight: Freshness,
    /// Whether `cached` is a set that the store does not have yet.
    unsaved: bool,
    look: Option<Arc<Task>>,
    work: Option<Arc<Task>>,
    /// When this process last sent its refresh token, by the boot-time clock.
    sent: Option<Duration>,
}

/// When the store was last asked, by the boot-time clock.
#[derive(Clone, Copy, Debug, Default)]
enum Freshness {
    #[default]
    Never,
    /// It said so. The time is that of the question, since the answer may be older than it looks.
    Confirmed(Duration),
    /// It did not answer. It is `watched` if it was asked again and again since it said so.
    Blind { at: Duration, watched: bool },
}

impl Freshness {
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
pub(crate) enum Kind {
    /// Reads, so it may run beside an exchange that takes its time.
    Look,
    /// Whatever takes the lease.
    Work,
}

/// What a caller finds who wants a task.
pub(crate) enum JoinResult {
    /// None was under way; the caller starts this one.
    Start(Arc<Task>),
    /// One is.
    Join(Arc<Task>),
    /// One has its result and is still busy writing it down; nothing new can start.
    Finishing(Arc<Task>),
}

impl Cache {
    /// A record that can be used without asking: confirmed lately, not saved yet, or of a store that is silent.
    pub(crate) fn fresh(&self, key: &RowKey, now: Duration) -> Option<Arc<CachedRecord>> {
        let slots = self.slots();
        let slot = slots.get(key)?;
        let fresh = match slot.sight {
            Freshness::Never => false,
            Freshness::Confirmed(at) => now <= at + CACHE_TTL,
            Freshness::Blind { at, .. } => now <= at + STALE_RETRY,
        };
        slot.cached.as_ref().filter(|_| fresh || slot.unsaved).cloned()
    }

    /// What is remembered, however old.
    pub(crate) fn cached(&self, key: &RowKey) -> Option<Arc<CachedRecord>> {
        self.slots().get(key)?.cached.clone()
    }

    /// Whether any token in memory is good at this time.
    pub(crate) fn has_token(&self, now: OffsetDateTime) -> bool {
        let good = |cached: &Arc<CachedRecord>| !cached.record.body.tokens.left(now).is_zero();
        self.slots().values().any(|slot| slot.cached.as_ref().is_some_and(good))
    }

    /// How many sets are still to be saved.
    pub(crate) fn unsaved(&self) -> usize {
        self.slots().values().filter(|slot| slot.unsaved).count()
    }

    /// Takes over what the store said to a question of that time. What was asked earlier never replaces what was
    /// asked later, and nothing replaces a set that is still to be saved; but a later set of the same connection is
    /// always the better one.
    pub(crate) fn insert_if_newer(&self, key: &RowKey, cached: Arc<CachedRecord>, asked: Duration) {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_default();
        let newer = slot.cached.as_ref().is_none_or(|old| cached.is_newer_than(old));
        if newer || !slot.outdates(asked) {
            slot.cached = Some(cached);
            slot.sight = Freshness::Confirmed(asked);
        }
    }

    /// The store said, to a question of that time, that what is remembered still holds.
    pub(crate) fn confirm(&self, key: &RowKey, cached: &Arc<CachedRecord>, asked: Duration) {
        if let Some(slot) = self.slots().get_mut(key)
            && slot.cached.as_ref().is_some_and(|same| Arc::ptr_eq(same, cached))
            && !slot.outdates(asked)
        {
            slot.sight = Freshness::Confirmed(asked);
        }
    }

    /// The store did not answer. What is remembered is good to its expiry.
    pub(crate) fn blind(&self, key: &RowKey, now: Duration) -> Option<Arc<CachedRecord>> {
        let mut slots = self.slots();
        let slot = slots.get_mut(key)?;
        slot.sight = slot.sight.blinded(now);
        slot.cached.clone()
    }

    /// The store answers nobody, so there is no need to ask it about each record.
    pub(crate) fn blind_all(&self, now: Duration) {
        self.slots().values_mut().for_each(|slot| slot.sight = slot.sight.blinded(now));
    }

    /// Whether the store did not answer when it was last asked about this record.
    pub(crate) fn is_blind(&self, key: &RowKey) -> bool {
        self.slots().get(key).is_some_and(|slot| matches!(slot.sight, Freshness::Blind { .. }))
    }

    /// Whether a store that has lost this record gets it back: a set that it never had, or one that nobody can have
    /// forgotten without this process having been told.
    pub(crate) fn may_be_put_back(&self, key: &RowKey, now: Duration) -> bool {
        self.slots().get(key).is_some_and(|slot| slot.unsaved || slot.sight.is_watched(now))
    }

    /// The keys of all records that can be handed out, in order.
    pub(crate) fn cached_keys(&self) -> BTreeSet<RowKey> {
        let slots = self.slots();
        slots.iter().filter(|(_, slot)| slot.cached.is_some()).map(|(key, _)| key.clone()).collect()
    }

    /// The store said, to a question of that time, that there is nothing to hand out.
    pub(crate) fn forget(&self, key: &RowKey, asked: Duration) {
        if let Some(slot) = self.slots().get_mut(key)
            && !slot.outdates(asked)
        {
            slot.cached = None;
            slot.sight = Freshness::Never;
        }
    }

    /// Keeps what the store could not be told yet; `unsaved` if it is a set that exists nowhere else.
    pub(crate) fn keep(&self, key: &RowKey, cached: Arc<CachedRecord>, unsaved: bool, now: Duration) {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_default();
        slot.cached = Some(cached);
        slot.unsaved = unsaved;
        slot.sight = slot.sight.blinded(now);
    }

    /// This process is about to send the refresh token.
    pub(crate) fn sending(&self, key: &RowKey, now: Duration) {
        self.slots().entry(key.clone()).or_default().sent = Some(now);
    }

    /// Whether this process sent the refresh token of this record lately.
    pub(crate) fn has_sent_lately(&self, key: &RowKey, now: Duration) -> bool {
        self.slots().get(key).and_then(|slot| slot.sent).is_some_and(|sent| now < sent + REDATE_EVERY)
    }

    /// The store has taken over what was kept, or something newer.
    pub(crate) fn mark_saved(&self, key: &RowKey) {
        if let Some(slot) = self.slots().get_mut(key) {
            slot.unsaved = false;
        }
    }

    /// Joins the task of this kind, or becomes the one who starts it.
    pub(crate) fn join(&self, key: &RowKey, kind: Kind) -> JoinResult {
        let mut slots = self.slots();
        let under = slots.entry(key.clone()).or_default().under(kind);
        match under {
            Some(task) if task.has_landed() => JoinResult::Finishing(Arc::clone(task)),
            Some(task) => JoinResult::Join(Arc::clone(task)),
            None => JoinResult::Start(Arc::clone(under.insert(Arc::default()))),
        }
    }

    /// The task of this kind has ended, however it did. A mint record is not remembered beyond that.
    pub(crate) fn leave(&self, key: &RowKey, kind: Kind) {
        let mut slots = self.slots();
        let Some(slot) = slots.get_mut(key) else { return };
        *slot.under(kind) = None;
        let keep = slot.unsaved || slot.cached.as_ref().is_some_and(|cached| cached.is_kept());
        if !keep && slot.look.is_none() && slot.work.is_none() {
            slots.remove(key);
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<RowKey, CacheEntry>> {
        // Nothing panics while it is held, so a poisoned lock still guards whole data.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CacheEntry {
    fn under(&mut self, kind: Kind) -> &mut Option<Arc<Task>> {
        match kind {
            Kind::Look => &mut self.look,
            Kind::Work => &mut self.work,
        }
    }

    /// Whether something later is known than the answer to a question of that time.
    fn outdates(&self, asked: Duration) -> bool {
        self.unsaved || matches!(self.sight, Freshness::Confirmed(at) if at > asked)
    }
}
