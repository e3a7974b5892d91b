//! The lease (rule 3) and the watch over a stranger's open attempt (rule 8).

use std::time::Duration;

use crate::store::records::{CLOCK_TOLERANCE, Change, Claim, Expected, Lease, Owner, Row, Swap};

use super::{
    flight::{Flight, Landing, Setback},
    settings::{AGAIN, WATCH},
};

const POLL: Duration = Duration::from_millis(250);

/// A lease of this process, and the row as it stands under it.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) owner: Owner,
    /// When it ends, counted from before it was asked for, by the monotonic clock.
    pub(super) ends: Duration,
    /// When this process asked.
    pub(super) asked: Duration,
    pub(super) row: Row,
}

impl Flight {
    /// Takes the lease, waiting for others who hold it; while they do, `needless` looks at the row, and a landing
    /// from it ends the waiting.
    pub(super) async fn take_lease(
        &self,
        needless: impl Fn(&Row, Duration) -> Option<Landing>,
    ) -> Result<Hold, Landing> {
        let owner = self.new_owner();
        let clock = &self.vault.0.clock;
        let patience = clock.monotonic() + self.vault.0.settings.lease() + WATCH;
        loop {
            let asked = clock.monotonic();
            match self.claim(&owner).await {
                Err(setback) => {
                    // The claim may still arrive. Nobody would wait for it if this does too.
                    let _ = self.ask(self.vault.0.store.release(&self.key, &owner)).await;
                    return Err(Err(setback));
                }
                Ok(Claim::Claimed(row)) => return Ok(self.hold(owner, asked, *row)),
                Ok(Claim::Missing) => self.put_back_or_forget(asked).await.map_err(Err)?,
                Ok(Claim::Held(row)) => {
                    if let Some(landing) = needless(&row, asked) {
                        return Err(landing);
                    }
                    self.drop_what_was_left_behind(&row).await.map_err(Err)?;
                }
            }
            if clock.monotonic() > patience {
                return Err(Err(Setback::Contended));
            }
            clock.sleep(POLL).await;
        }
    }

    /// Makes sure that whoever began the open attempt, if any, is gone: its lease has run out, since it is ours now,
    /// and the store then answers for a while without the record changing. True if the row is as it was.
    pub(super) async fn is_abandoned(&self, hold: &mut Hold) -> Result<bool, Setback> {
        if hold.row.attempt.as_ref().is_none_or(|attempt| self.is_ours(attempt)) {
            return Ok(true);
        }
        let clock = &self.vault.0.clock;
        let until = clock.monotonic() + WATCH;
        while clock.monotonic() < until {
            clock.sleep(AGAIN).await;
            match self.ask(self.vault.0.store.read(&self.key)).await? {
                Some(row) if row.is_same_work(&hold.row) => {}
                _ => break,
            }
        }
        let before = std::mem::replace(hold, self.renew(&hold.owner).await?);
        Ok(hold.row.is_same_work(&before.row))
    }

    pub(super) async fn release(&self, hold: &Hold) {
        // Without an answer it runs out by itself.
        let _ = self.ask(self.vault.0.store.release(&self.key, &hold.owner)).await;
    }

    /// Changes the row as it stands under the lease.
    pub(super) async fn swap_under(&self, hold: &Hold, change: &Change) -> Result<Swap, Setback> {
        self.ask(self.vault.0.store.swap(&self.key, &hold.as_read(), change)).await
    }

    async fn renew(&self, owner: &Owner) -> Result<Hold, Setback> {
        let asked = self.vault.0.clock.monotonic();
        match self.claim(owner).await? {
            Claim::Claimed(row) => Ok(self.hold(owner.clone(), asked, *row)),
            Claim::Held(_) => Err(Setback::Contended),
            Claim::Missing => Err(Setback::NotConnected),
        }
    }

    async fn claim(&self, owner: &Owner) -> Result<Claim, Setback> {
        let now = self.vault.0.clock.now();
        let length = self.vault.0.settings.lease();
        let lease = Lease { owner: owner.clone(), until: now + length };
        self.ask(self.vault.0.store.claim(&self.key, &lease, now, now + length + CLOCK_TOLERANCE)).await
    }

    fn hold(&self, owner: Owner, asked: Duration, row: Row) -> Hold {
        Hold { owner, ends: asked + self.vault.0.settings.lease(), asked, row }
    }

    async fn put_back_or_forget(&self, asked: Duration) -> Result<(), Setback> {
        if let Some(known) = self.vault.0.memory.known(&self.key).filter(|known| known.is_kept()) {
            return self.restore(&known).await.map(|_| ());
        }
        self.vault.0.memory.forget(&self.key, asked);
        Err(Setback::NotConnected)
    }

    /// A lease of this process that no task of it holds: its release was lost.
    async fn drop_what_was_left_behind(&self, row: &Row) -> Result<(), Setback> {
        match &row.lease {
            Some(lease) if self.is_ours(&lease.owner) => {
                self.ask(self.vault.0.store.release(&self.key, &lease.owner)).await
            }
            _ => Ok(()),
        }
    }
}

impl Hold {
    /// The row as it was read, still under this lease.
    fn as_read(&self) -> Expected {
        let Row { version, state, attempt, .. } = self.row.clone();
        Expected { version, state, attempt, lease: Some(self.owner.clone()) }
    }

    /// The row while our attempt is open. The lease is not compared: what an exchange brought is saved however late.
    pub(super) fn attempted(&self) -> Expected {
        Expected { attempt: Some(self.owner.clone()), lease: None, ..self.as_read() }
    }

    /// The row as it was read, with this attempt open, or none.
    pub(super) fn reopened(&self, attempt: Option<&Owner>) -> Change {
        let Row { version, state, due, .. } = &self.row;
        let generation = version.generation;
        Change { generation, state: *state, due: *due, attempt: attempt.cloned(), sealed: None }
    }
}

impl Row {
    /// Whether nobody has worked on the record between these two readings.
    fn is_same_work(&self, other: &Self) -> bool {
        self.version == other.version && self.attempt == other.attempt && self.state == other.state
    }
}
