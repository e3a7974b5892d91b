//! A lock for each name, within this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The locks that somebody holds or waits for.
#[derive(Debug, Default)]
pub(super) struct KeyLocks(Mutex<HashMap<String, Weak<AsyncMutex<()>>>>);

/// Holds the lock of one name until it is dropped.
#[derive(Debug)]
pub(crate) struct KeyLockGuard(#[expect(dead_code, reason = "it is held, not read")] OwnedMutexGuard<()>);

impl KeyLocks {
    /// Waits for the lock of a name, first come, first served.
    pub(super) async fn lock(&self, name: &str) -> KeyLockGuard {
        let lock = self.of(name);
        KeyLockGuard(lock.lock_owned().await)
    }

    fn of(&self, name: &str) -> Arc<AsyncMutex<()>> {
        // Nothing panics while it is held, so the data behind a poisoned lock is consistent.
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        locks.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }
}
