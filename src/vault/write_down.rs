//! Saves what an exchange returned, or closes it with a note, until the store has responded (docs/vault.md, rules 5
//! to 7).

use std::{sync::Arc, time::Duration};

use crate::store::records::{Change, Expected, Row, Swap};

use super::{
    flight::{Flight, Landing, Setback},
    lease::Hold,
    memory::Known,
    refresh_log::RefreshLine,
    settings::AGAIN,
};

impl Flight {
    /// Writes down the outcome of an attempt. While the store does not answer, the waiters already have the result,
    /// memory keeps it, and this goes on: it is the only one that knows.
    pub(super) async fn write_down(&self, expected: &Expected, known: Arc<Known>, line: RefreshLine) -> Landing {
        let mut unlogged = Some(&line);
        let memory = &self.vault.0.memory;
        let brought = known.record.generation > expected.version.generation;
        let landing = loop {
            let asked = self.vault.0.clock.boot_time();
            match self.try_write_down(expected, &known, asked).await {
                Err(Setback::StoreUnavailable) => {
                    memory.keep(&self.key, Arc::clone(&known), brought, asked);
                    self.land(Ok(Arc::clone(&known)));
                    // Not after the saving: the store may be away for long.
                    unlogged.take().into_iter().for_each(RefreshLine::log);
                    self.vault.0.clock.sleep(AGAIN).await;
                }
                landing => break landing,
            }
        };
        memory.settled(&self.key);
        match &landing {
            Ok(kept) if kept.record.version() == known.record.version() => {
                unlogged.into_iter().for_each(RefreshLine::log);
            }
            Ok(_) | Err(_) => line.log_overtaken(),
        }
        landing
    }

    async fn try_write_down(&self, expected: &Expected, known: &Arc<Known>, asked: Duration) -> Landing {
        let change = Change {
            generation: known.record.generation,
            state: known.state,
            due: known.record.due(known.state).filter(|_| known.is_kept()),
            attempt: None,
            sealed: Some(known.record.sealed(&self.vault.0.keys, &self.key)),
        };
        match self.ask(self.vault.0.store.swap(&self.key, expected, &change)).await? {
            Swap::Done => {
                self.vault.0.memory.settled(&self.key);
                self.vault.0.memory.learn(&self.key, Arc::clone(known), asked);
                self.vault.plan(change.due);
                Ok(Arc::clone(known))
            }
            Swap::Moved(row) => self.overtaken(&row, known, asked).await,
            Swap::Missing if known.is_kept() => self.restore(known).await,
            Swap::Missing => {
                self.vault.0.memory.settled(&self.key);
                self.vault.0.memory.forget(&self.key, asked);
                Err(Setback::NotConnected)
            }
        }
    }

    /// The row is not as this attempt left it. A store that has less than it had gets it back; all else wins: a save
    /// of our own whose answer was lost, a login, a revoke, somebody who took the attempt over.
    async fn overtaken(&self, row: &Row, known: &Arc<Known>, asked: Duration) -> Landing {
        if known.is_lost_by(Some(&row.head())) {
            return self.restore(known).await;
        }
        self.vault.0.memory.settled(&self.key);
        self.adopt(row, asked)
    }

    /// Closes an attempt that was never sent, also one whose beginning the store gave no answer to: it may have been
    /// done, or be done late. The waiters do not wait for this.
    pub(super) async fn close_unsent(&self, hold: &Hold, setback: Setback) -> Landing {
        self.land(Err(setback));
        let closed = hold.reopened(None);
        while self.ask(self.vault.0.store.swap(&self.key, &hold.attempted(), &closed)).await.is_err() {
            self.vault.0.clock.sleep(AGAIN).await;
        }
        Err(setback)
    }
}
