//! Turns: one login at a time for each name, in this process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The names whose turn somebody has, or waits for.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<HashMap<String, Weak<AsyncMutex<()>>>>);

/// Nobody else has the turn of this name until this is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "it is held, and never looked at")] OwnedMutexGuard<()>);

impl Turns {
    /// Waits for the turn of a name; in the order in which they came.
    pub(super) async fn take(&self, name: &str) -> Turn {
        let turn = self.of(name);
        Turn(turn.lock_owned().await)
    }

    fn of(&self, name: &str) -> Arc<AsyncMutex<()>> {
        // Nothing panics while it is held, so a poisoned lock still guards whole data.
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(name).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }
}
