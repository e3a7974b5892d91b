//! One small read for all callers: is what memory has still current, and has the store lost it (docs/vault.md, rules 1
//! and 6)?

use std::sync::Arc;

use crate::store::{
    RowKey,
    records::{Head, State, Swap},
};

use super::{
    Vault,
    flight::{Flight, Flown, Landing, Setback},
    memory::{Kind, Known},
    settings::CONFIRMED,
};

impl Vault {
    /// The record as the store confirmed it lately, or as memory has it while the store is silent.
    pub(super) async fn current(&self, key: &RowKey) -> Landing {
        loop {
            let asked = self.0.clock.boot_time();
            if let Some(known) = self.0.memory.glance(key, asked) {
                return Ok(known);
            }
            let looked = self.look(key).await?;
            // A process that stood still may find an answer that is long out of date. A kept record is in memory
            // now, which knows; a mint record is not.
            if !looked.is_kept() && self.0.clock.boot_time() <= asked + CONFIRMED {
                return Ok(looked);
            }
        }
    }
}

impl Vault {
    /// Asks the store, or joins whoever asks it.
    pub(super) async fn look(&self, key: &RowKey) -> Landing {
        match self.fly(key, Kind::Look, |flight| async move { flight.look().await }).await {
            Flown::Own(landing) | Flown::Shared(landing) | Flown::Busy(landing, _) => landing,
        }
    }
}

impl Flight {
    async fn look(&self) -> Landing {
        loop {
            let began = self.vault.0.clock.boot_time();
            let landing = self.try_look().await;
            if landing.as_ref().err() != Some(&Setback::StoreUnavailable) {
                return landing;
            }
            let now = self.vault.0.clock.boot_time();
            // A silence that this process slept through says nothing about the store.
            if now <= began + CONFIRMED {
                return self.vault.0.memory.blind(&self.key, now).ok_or(Setback::StoreUnavailable);
            }
        }
    }

    async fn try_look(&self) -> Landing {
        let Some(known) = self.vault.0.memory.known(&self.key) else { return self.read().await };
        let asked = self.vault.0.clock.boot_time();
        match self.ask(self.vault.0.store.peek(&self.key)).await? {
            Some(head) if known.is(&head) => {
                self.vault.0.memory.confirm(&self.key, &known, asked);
                Ok(known)
            }
            // Not to be handed out, even if the store says no more than this.
            Some(Head { state: State::Revoking | State::Tombstone, .. }) => {
                self.vault.0.memory.forget(&self.key, asked);
                Err(Setback::NotConnected)
            }
            head if known.is_lost_by(head.as_ref()) && self.may_put_back() => self.restore(&known).await,
            _ => self.read().await,
        }
    }

    async fn read(&self) -> Landing {
        let asked = self.vault.0.clock.boot_time();
        if let Some(row) = self.ask(self.vault.0.store.read(&self.key)).await? {
            return self.adopt(&row, asked);
        }
        self.vault.0.memory.forget(&self.key, asked);
        Err(Setback::NotConnected)
    }

    /// Whether what memory has may be written back now.
    pub(super) fn may_put_back(&self) -> bool {
        self.vault.0.memory.may_be_put_back(&self.key, self.vault.0.clock.boot_time())
    }

    /// Writes back a kept set that the store has lost; whatever the store has instead wins.
    pub(super) async fn restore(&self, known: &Arc<Known>) -> Landing {
        let asked = self.vault.0.clock.boot_time();
        let row = known.record.new_row(&self.vault.0.keys, &self.key, known.state, known.limits);
        match self.ask(self.vault.0.store.restore(&row)).await? {
            Swap::Done => {
                tracing::error!(generation = row.version.generation, "the store had lost a record; it is written back");
                self.vault.0.memory.learn(&self.key, Arc::clone(known), asked);
                Ok(Arc::clone(known))
            }
            Swap::Moved(row) => self.adopt(&row, asked),
            Swap::Missing => Err(Setback::NotConnected),
        }
    }
}

impl Known {
    /// Whether the store has less than what it had once. Nothing deletes a kept row, so one that is missing was lost.
    pub(super) fn is_lost_by(&self, head: Option<&Head>) -> bool {
        self.is_kept()
            && head.is_none_or(|head| {
                self.is_connection(&head.version.connection_id)
                    && head.version.generation < self.record.generation
                    && !matches!(head.state, State::Revoking | State::Tombstone)
            })
    }
}
