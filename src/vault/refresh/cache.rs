//! The decrypted records in memory, and the jobs that work on them (docs/vault.md, rules 1 and 2).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;

use crate::{
    store::RowKey,
    vault::refresh::{cached_record::CachedRecord, task::Task},
};

/// How long the cache is trusted after the store confirmed it.
pub(super) const CACHE_TTL: Duration = Duration::from_secs(5);
/// How long the cache is used, after the store did not respond, before the store is asked again.
pub(crate) const STALE_RETRY: Duration = Duration::from_secs(1);
/// A record is written back to a store that lost it if the store confirmed it at most this long ago, or has not
/// responded since although it was asked at least this often. Otherwise another process may have forgotten the record.
const RESTORE_WINDOW: Duration = Duration::from_secs(15);
/// One process corrects the impossible times of a record at most once in this time. Otherwise two processes whose
/// clocks are far apart would keep correcting each other.
const CORRECTION_INTERVAL: Duration = Duration::from_secs(60);
/// The cache drops unused records down to this number. Unsaved records, and those that a job works on, may exceed it.
const CAPACITY: usize = 1024;
/// How far the cache may exceed `CAPACITY` before it drops records, so that not every insertion searches for the
/// oldest.
const DROPPED: usize = CAPACITY / 8;

#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<HashMap<RowKey, CacheEntry>>);

/// An entry exists while a job works on its record, and while the cache has a keep-mode record or an unsaved one.
#[derive(Debug, Default)]
struct CacheEntry {
    cached: Option<Arc<CachedRecord>>,
    freshness: Freshness,
    /// Whether `cached` is a token set that the store does not have yet.
    unsaved: bool,
    read_job: Option<Arc<Task>>,
    write_job: Option<Arc<Task>>,
    /// When this process last sent the refresh token, by the boot-time clock.
    sent_at: Option<Duration>,
    /// When the record was last looked up, or received from the store, by the boot-time clock.
    used_at: Duration,
}

/// When the store was last asked about a record, by the boot-time clock, and whether it responded.
#[derive(Clone, Copy, Debug, Default)]
enum Freshness {
    #[default]
    Unconfirmed,
    /// The store confirmed the record. This is the time just before the request: the record may have changed after the
    /// store read it and before the response arrived.
    Confirmed(Duration),
    /// The store did not respond. `monitored`: since it last confirmed the record, it has been asked without a long
    /// gap.
    StoreUnreachable { at: Duration, monitored: bool },
}

/// The two kinds of jobs. For each record, at most one job of each kind is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// Takes no lease and sends no token, so it may run beside a slow exchange.
    Read,
    Write,
}

/// What a caller that wants to run a job should do.
pub(super) enum Join {
    /// No job is in flight: start this one.
    Start(Arc<Task>),
    /// A job is in flight: wait for its result.
    InFlight(Arc<Task>),
    /// A job has its result, and is still saving it or releasing its lease: wait until it has finished, then try again.
    Finishing(Arc<Task>),
}

/// What the store does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unstored {
    /// A token set that exists nowhere else.
    TokenSet,
    /// A failure, noted with the token set that the store has.
    Note,
}

impl Freshness {
    /// Whether this process would have noticed if another one had forgotten the record in the store.
    fn is_monitored(self, now: Duration) -> bool {
        match self {
            Self::Unconfirmed => false,
            Self::Confirmed(at) => now <= at + RESTORE_WINDOW,
            Self::StoreUnreachable { at, monitored } => monitored && now <= at + RESTORE_WINDOW,
        }
    }

    /// The freshness after a request at `now` to which the store did not respond.
    fn store_unreachable(self, now: Duration) -> Self {
        Self::StoreUnreachable { at: now, monitored: self.is_monitored(now) }
    }
}

impl Cache {
    /// The cached record, if it can be used without asking the store: the store confirmed it recently, or does not have
    /// it yet, or did not respond a moment ago.
    pub(crate) fn fresh(&self, key: &RowKey, now: Duration) -> Option<Arc<CachedRecord>> {
        let mut entries = self.lock();
        let entry = entries.get_mut(key)?;
        entry.used_at = now;
        let is_fresh = match entry.freshness {
            Freshness::Unconfirmed => false,
            Freshness::Confirmed(at) => now <= at + CACHE_TTL,
            Freshness::StoreUnreachable { at, .. } => now <= at + STALE_RETRY,
        };
        entry.cached.as_ref().filter(|_| is_fresh || entry.unsaved).cloned()
    }

    /// The cached record, however old it is.
    pub(crate) fn get(&self, key: &RowKey) -> Option<Arc<CachedRecord>> {
        self.lock().get(key)?.cached.clone()
    }

    /// The keys of all cached records, in order.
    pub(crate) fn keys(&self) -> BTreeSet<RowKey> {
        let entries = self.lock();
        entries.iter().filter(|(_, entry)| entry.cached.is_some()).map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn records(&self) -> Vec<(RowKey, Arc<CachedRecord>)> {
        let entries = self.lock();
        entries.iter().filter_map(|(key, entry)| Some((key.clone(), entry.cached.clone()?))).collect()
    }

    pub(crate) fn has_valid_token(&self, now: OffsetDateTime) -> bool {
        let is_valid = |cached: &Arc<CachedRecord>| !cached.record.body.tokens.left(now).is_zero();
        self.lock().values().any(|entry| entry.cached.as_ref().is_some_and(is_valid))
    }

    /// How many token sets the store does not have yet.
    pub(crate) fn unsaved(&self) -> usize {
        self.lock().values().filter(|entry| entry.unsaved).count()
    }

    /// Caches what the store returned to a request made at `asked`. A later token set of the same connection always
    /// replaces the cached one. Otherwise nothing replaces an unsaved set, and the response to an earlier request never
    /// replaces that to a later one.
    pub(crate) fn insert_if_newer(&self, key: &RowKey, cached: Arc<CachedRecord>, asked: Duration) {
        let mut entries = self.lock();
        let entry = entries.entry(key.clone()).or_default();
        let is_newer = entry.cached.as_ref().is_none_or(|old| cached.is_newer_than(old));
        if is_newer || !entry.is_newer_than(asked) {
            entry.cached = Some(cached);
            entry.freshness = Freshness::Confirmed(asked);
            entry.used_at = entry.used_at.max(asked);
        }
        if entries.len() >= CAPACITY + DROPPED {
            drop_unused(&mut entries, asked);
        }
    }

    /// Caches a record that could not be saved yet.
    pub(super) fn insert_unstored(&self, key: &RowKey, cached: Arc<CachedRecord>, what: Unstored, now: Duration) {
        let mut entries = self.lock();
        let entry = entries.entry(key.clone()).or_default();
        entry.cached = Some(cached);
        entry.unsaved = what == Unstored::TokenSet;
        entry.freshness = entry.freshness.store_unreachable(now);
    }

    /// Marks the record as saved: the store has the cached record or something newer.
    pub(super) fn mark_saved(&self, key: &RowKey) {
        if let Some(entry) = self.lock().get_mut(key) {
            entry.unsaved = false;
        }
    }

    /// Notes that the store confirmed the cached record in response to a request made at `asked`.
    pub(super) fn confirm(&self, key: &RowKey, cached: &Arc<CachedRecord>, asked: Duration) {
        if let Some(entry) = self.lock().get_mut(key)
            && entry.cached.as_ref().is_some_and(|same| Arc::ptr_eq(same, cached))
            && !entry.is_newer_than(asked)
        {
            entry.freshness = Freshness::Confirmed(asked);
        }
    }

    /// Removes the record: in response to a request made at `asked`, the store returned nothing that may be handed out.
    pub(crate) fn remove(&self, key: &RowKey, asked: Duration) {
        if let Some(entry) = self.lock().get_mut(key)
            && !entry.is_newer_than(asked)
        {
            entry.cached = None;
            entry.freshness = Freshness::Unconfirmed;
        }
    }

    /// Notes that the store did not respond. Returns the cached record, which may be handed out until its token
    /// expires.
    pub(super) fn mark_unreachable(&self, key: &RowKey, now: Duration) -> Option<Arc<CachedRecord>> {
        let mut entries = self.lock();
        let entry = entries.get_mut(key)?;
        entry.freshness = entry.freshness.store_unreachable(now);
        entry.cached.clone()
    }

    /// Notes for all records that the store does not respond, so that it is not asked about each of them.
    pub(crate) fn mark_all_unreachable(&self, now: Duration) {
        self.lock().values_mut().for_each(|entry| entry.freshness = entry.freshness.store_unreachable(now));
    }

    /// Whether the store did not respond when it was last asked about this record.
    pub(crate) fn is_unreachable(&self, key: &RowKey) -> bool {
        self.lock().get(key).is_some_and(|entry| matches!(entry.freshness, Freshness::StoreUnreachable { .. }))
    }

    /// Whether this record may be written back to a store that lost it: the store never had its token set, or this
    /// process would have noticed if another one had forgotten it.
    pub(super) fn may_restore(&self, key: &RowKey, now: Duration) -> bool {
        self.lock().get(key).is_some_and(|entry| entry.unsaved || entry.freshness.is_monitored(now))
    }

    /// Notes that this process is about to send the refresh token.
    pub(super) fn mark_sent(&self, key: &RowKey, now: Duration) {
        self.lock().entry(key.clone()).or_default().sent_at = Some(now);
    }

    /// Whether this process sent the refresh token of this record recently.
    pub(super) fn was_sent_recently(&self, key: &RowKey, now: Duration) -> bool {
        self.lock().get(key).and_then(|entry| entry.sent_at).is_some_and(|sent| now < sent + CORRECTION_INTERVAL)
    }

    /// Joins the job of this kind, or registers the caller's.
    pub(super) fn join(&self, key: &RowKey, kind: JobKind) -> Join {
        let mut entries = self.lock();
        let job = entries.entry(key.clone()).or_default().job(kind);
        match job {
            Some(task) if task.has_result() => Join::Finishing(Arc::clone(task)),
            Some(task) => Join::InFlight(Arc::clone(task)),
            None => Join::Start(Arc::clone(job.insert(Arc::default()))),
        }
    }

    /// Removes the job of this kind, which has finished. A saved mint-mode record stays cached only while a job works
    /// on it.
    pub(super) fn leave(&self, key: &RowKey, kind: JobKind) {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(key) else { return };
        *entry.job(kind) = None;
        let stays = entry.unsaved || entry.cached.as_ref().is_some_and(|cached| cached.is_keep_mode());
        if !stays && entry.read_job.is_none() && entry.write_job.is_none() {
            entries.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RowKey, CacheEntry>> {
        // Nothing panics while the lock is held, so the data behind a poisoned lock is consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the entries that were not used for the longest time. Unsaved records stay, as do those that a job works on and
/// those whose token was sent recently.
fn drop_unused(entries: &mut HashMap<RowKey, CacheEntry>, now: Duration) {
    let mut ages: Vec<_> = entries.iter().filter(|(_, entry)| entry.may_be_dropped(now)).collect();
    ages.sort_unstable_by_key(|(_, entry)| entry.used_at);
    let surplus = entries.len().saturating_sub(CAPACITY);
    let oldest: Vec<_> = ages.into_iter().take(surplus).map(|(key, _)| key.clone()).collect();
    for key in oldest {
        entries.remove(&key);
    }
}

impl CacheEntry {
    fn may_be_dropped(&self, now: Duration) -> bool {
        let was_sent_recently = self.sent_at.is_some_and(|sent| now < sent + CORRECTION_INTERVAL);
        !self.unsaved && self.read_job.is_none() && self.write_job.is_none() && !was_sent_recently
    }

    fn job(&mut self, kind: JobKind) -> &mut Option<Arc<Task>> {
        match kind {
            JobKind::Read => &mut self.read_job,
            JobKind::Write => &mut self.write_job,
        }
    }

    /// Whether the entry is unsaved, or newer than the response to a request made at `asked`.
    fn is_newer_than(&self, asked: Duration) -> bool {
        self.unsaved || matches!(self.freshness, Freshness::Confirmed(at) if at > asked)
    }
}

#[cfg(test)]
mod tests {
    use oauth2::AccessToken;
    use secrecy::SecretString;

    use super::*;
    use crate::{
        keys::Keyring,
        store::records::State,
        vault::{Identity, Issuer, Record, TokenSet},
    };

    #[test]
    fn what_was_not_used_for_the_longest_time_leaves_memory_and_nothing_that_is_unsaved_or_worked_on() {
        let keys = Keyring::new(&SecretString::from("a secret"), &[]);
        let issuer = Issuer { client_id: String::new(), token_endpoint: String::new() };
        let token = AccessToken::new("access".to_owned());
        let tokens = TokenSet::dated(token, None, None, None, OffsetDateTime::UNIX_EPOCH);
        let record = Record::minted(&keys, tokens, Identity::default(), issuer);
        let cached = Arc::new(CachedRecord::new(record, State::Live, None));
        let (cache, key) = (Cache::default(), |number: u64| RowKey::of_user(&number.to_string()));
        cache.insert_unstored(&key(0), Arc::clone(&cached), Unstored::TokenSet, Duration::ZERO);
        cache.join(&key(1), JobKind::Write);
        for number in 1..10_000 {
            let now = Duration::from_secs(number);
            cache.insert_if_newer(&key(number), Arc::clone(&cached), now);
            cache.fresh(&key(2), now);
        }
        assert!(cache.keys().len() <= CAPACITY + DROPPED, "{}", cache.keys().len());
        for kept in [0, 1, 2, 9_000, 9_999] {
            assert!(cache.get(&key(kept)).is_some(), "{kept}");
        }
        assert!(cache.get(&key(3)).is_none());
    }
}
