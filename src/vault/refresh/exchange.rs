//! One exchange: write-ahead, send, save (docs/vault.md, rules 4, 5 and 8).

use std::sync::Arc;

use oauth2::RefreshToken;
use time::OffsetDateTime;

use crate::{
    store::records::{Cas, Row},
    vault::{
        error::VaultError,
        record::Record,
        refresh::{
            cached_record::CachedRecord,
            lease::{HeldLease, LeaseOutcome},
            log::{RefreshLine, log_lost_response},
            outcome::RefreshOutcome,
            single_flight::Job,
            transition::{AttemptContext, Trigger},
        },
    },
};

/// When the token was sent, and the outcome.
type Sent = (OffsetDateTime, RefreshOutcome);

enum WriteAhead {
    /// The store has the open attempt: the token may be sent.
    Done,
    Conflict(Box<Row>),
    NoRow,
}

impl Job {
    /// Opens an attempt, sends the refresh token and saves the outcome, which closes the attempt. Only a crash leaves
    /// it open.
    pub(super) async fn exchange(
        &self,
        held: &HeldLease,
        cached: Arc<CachedRecord>,
        trigger: Trigger,
    ) -> Result<LeaseOutcome, VaultError> {
        let vault = &self.vault.0;
        let Some(token) = &cached.record.body.tokens.refresh_token else { return Ok(LeaseOutcome::Done(Some(cached))) };
        if self.vault.is_closing() {
            return Err(VaultError::Stopping);
        }
        match self.write_ahead(held).await {
            Ok(WriteAhead::Done) => {}
            Ok(WriteAhead::Conflict(row)) if held.lost_only_lease(&row) => return Ok(LeaseOutcome::LeaseLost),
            Ok(WriteAhead::Conflict(row)) => return self.cache_row(&row, held.asked).map(LeaseOutcome::Done),
            Ok(WriteAhead::NoRow) => return Ok(LeaseOutcome::Done(None)),
            Err(error) => return Err(self.close_unsent(held, error).await),
        }
        let started = vault.clock.monotonic();
        let Some((sent, outcome)) = self.send(held, &cached.record, token).await else {
            return Err(self.close_unsent(held, VaultError::StoreUnavailable).await);
        };
        let context = AttemptContext { sent, now: vault.clock.now(), process: &vault.settings.process };
        let transition = cached.record.after(cached.state, outcome, trigger, context);
        let took = vault.clock.monotonic().saturating_sub(started);
        let retry = vault.settings.refresh_policy.retry();
        let line = RefreshLine::of(&transition.record, transition.failure, took, retry);
        let cached = CachedRecord::new(transition.record, transition.state, cached.limits);
        self.save(&held.expect_attempt(), Arc::new(cached), line).await.map(LeaseOutcome::Done)
    }

    /// Writes "attempt started" to the row. Nothing is sent unless the store confirms this.
    async fn write_ahead(&self, held: &HeldLease) -> Result<WriteAhead, VaultError> {
        Ok(match self.swap_under(held, &held.change_from(Some(&held.owner))).await? {
            Cas::Applied => WriteAhead::Done,
            Cas::Conflict(row) => WriteAhead::Conflict(row),
            Cas::NoRow => WriteAhead::NoRow,
        })
    }

    /// Sends the token. If there is no response, sends it once more immediately. `None`: nothing was sent, because too
    /// little of the lease is left.
    async fn send(&self, held: &HeldLease, record: &Record, token: &RefreshToken) -> Option<Sent> {
        match self.send_once(held, token).await? {
            lost @ (_, RefreshOutcome::Unknown(_)) => {
                log_lost_response(record);
                let again = self.send_once(held, token).await;
                Some(again.map_or(lost, |(sent, outcome)| (sent, outcome.after_lost_response())))
            }
            // The process whose attempt was taken over may have sent the token without receiving the response.
            (sent, outcome) if held.row.attempt.as_ref().is_some_and(|attempt| !self.is_ours(attempt)) => {
                Some((sent, outcome.after_lost_response()))
            }
            sent => Some(sent),
        }
    }

    async fn send_once(&self, held: &HeldLease, token: &RefreshToken) -> Option<Sent> {
        let vault = &self.vault.0;
        if vault.clock.boot_time() + vault.settings.send_budget() > held.ends {
            return None;
        }
        vault.cache.mark_sent(&self.key, vault.clock.boot_time());
        let sent = vault.clock.now();
        let response = vault.clock.timeout(vault.settings.exchange_timeout, vault.provider.refresh(token)).await;
        Some((sent, response.map_or_else(RefreshOutcome::no_response, RefreshOutcome::of_response)))
    }
}
