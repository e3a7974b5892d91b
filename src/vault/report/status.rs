//! The status of connections: states, times and reasons, and no secret.

use std::sync::Arc;

use time::OffsetDateTime;

use crate::{
    store::{
        RowKey,
        records::{Page, Row, State, Version},
    },
    vault::{
        Vault,
        error::VaultError,
        record::{Record, RecordBody, cause::Retry, history::History, identity::Identity, tombstone::Tombstone},
        refresh::cached_record::CachedRecord,
        report::{inventory::Part, login_end::LoginEnd},
    },
};

const PAGE: u32 = 100;

#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) key: RowKey,
    /// Which token set is current.
    pub(crate) version: Version,
    pub(crate) state: State,
    /// Why it is not used, although its state allows it.
    pub(crate) obstacle: Option<Obstacle>,
    pub(crate) identity: Identity,
    pub(crate) minted_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    /// When the keeper refreshes it next, if ever.
    pub(crate) next_refresh: Option<OffsetDateTime>,
    pub(crate) retry: Retry,
    /// When the login is expected to end, if that is known and a refresh is still possible.
    pub(crate) login_end: Option<LoginEnd>,
    pub(crate) history: History,
}

/// Why a connection is not used, although its state allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The user is not in `ALLOWED_USERS`.
    NotAllowed,
    /// It belongs to another client id or token endpoint.
    OtherClient,
    /// The login returned no refresh token.
    NoRefreshToken,
}

#[derive(Clone, Debug)]
pub(crate) enum ListEntry {
    Connection(Box<Status>),
    /// A connection that was revoked or forgotten.
    Tombstone(Box<Tombstone>),
    /// A row that this process cannot decrypt. It is left as it is.
    Unreadable(RowKey, State),
}

/// A record as its user may see it, tokens included.
#[derive(Clone, Debug)]
pub(crate) struct VisibleRecord(Arc<CachedRecord>);

impl VisibleRecord {
    pub(crate) fn record(&self) -> &Record {
        &self.0.record
    }
    pub(crate) fn state(&self) -> State {
        self.0.state
    }
}

impl Vault {
    /// The record of this key for the pages of its user, also if it is expired, dead or blocked.
    pub(crate) async fn show(&self, key: &RowKey) -> Result<VisibleRecord, VaultError> {
        let cached = self.up_to_date(key).await?;
        if self.0.settings.refresh_policy.allows(&cached.record.body.identity) {
            Ok(VisibleRecord(cached))
        } else {
            Err(VaultError::NotAllowed)
        }
    }

    /// All keep-mode rows, without the tombstones of imports.
    pub(crate) async fn list(&self) -> Result<Vec<ListEntry>, VaultError> {
        let mut listed = Vec::new();
        let mut after: Option<RowKey> = None;
        loop {
            let page = Page { after: after.as_ref(), limit: PAGE };
            let rows = self.call_store(self.0.store.list(page)).await?;
            let last = rows.len() < PAGE as usize;
            after = rows.last().map(|row| row.key.clone());
            listed.extend(rows.iter().filter(|row| !row.is_adopted_import()).map(|row| self.describe(row)));
            if last {
                return Ok(listed);
            }
        }
    }

    /// A part of the keep-mode rows, without the tombstones of imports, and after which key the next one begins.
    pub(crate) async fn entries(&self, part: Part) -> Result<(Vec<ListEntry>, Option<RowKey>), VaultError> {
        let mut entries = Vec::new();
        let (mut after, mut last) = (part.after.map(RowKey), None);
        loop {
            // One more than is listed shows whether there is another part.
            let missing = part.limit + 1 - entries.len();
            let limit = u32::try_from(missing).map_or(PAGE, |missing| missing.min(PAGE));
            let rows = self.call_store(self.0.store.list(Page { after: after.as_ref(), limit })).await?;
            for row in rows.iter().filter(|row| !row.is_adopted_import()) {
                if entries.len() == part.limit {
                    return Ok((entries, last));
                }
                entries.push(self.describe(row));
                last = Some(row.key.clone());
            }
            if rows.len() < limit as usize {
                return Ok((entries, None));
            }
            after = rows.into_iter().next_back().map(|row| row.key);
        }
    }

    pub(crate) fn describe(&self, row: &Row) -> ListEntry {
        let keys = &self.0.keys;
        let described = if row.state == State::Tombstone {
            Tombstone::of_row(keys, row).map(|tombstone| ListEntry::Tombstone(Box::new(tombstone)))
        } else {
            Record::of_row(keys, row)
                .map(|record| ListEntry::Connection(Box::new(self.status(&row.key, record, row.state, row.due))))
        };
        described.unwrap_or_else(|_| ListEntry::Unreadable(row.key.clone(), row.state))
    }
    pub(crate) fn status_of(&self, key: &RowKey, shown: &VisibleRecord) -> Status {
        let due = shown.record().due(shown.state());
        self.status(key, shown.record().clone(), shown.state(), due)
    }

    /// The version of a connection whose revoke is not confirmed yet, so that it can be retried.
    pub(crate) async fn revoking(&self, key: &RowKey) -> Result<Option<Version>, VaultError> {
        let head = self.call_store(self.0.store.peek(key)).await?;
        Ok(head.filter(|head| head.state == State::Revoking).map(|head| head.version))
    }

    fn status(&self, key: &RowKey, record: Record, state: State, due: Option<OffsetDateTime>) -> Status {
        let obstacle = self.obstacle(&record);
        let version = record.version();
        let login_end = self.login_end(&record.body, state, obstacle);
        let body = record.body;
        Status {
            key: key.clone(),
            version,
            state,
            obstacle,
            minted_at: body.minted_at,
            expires_at: body.tokens.expires_at,
            next_refresh: due.filter(|_| obstacle.is_none() && !self.0.settings.refresh_policy.is_manual()),
            identity: body.identity,
            retry: self.0.settings.refresh_policy.retry(),
            login_end,
            history: body.history,
        }
    }

    pub(crate) fn login_end(&self, body: &RecordBody, state: State, obstacle: Option<Obstacle>) -> Option<LoginEnd> {
        match (state, obstacle) {
            (State::Live | State::Blocked, None | Some(Obstacle::NoRefreshToken)) => {
                LoginEnd::expected(body, self.0.settings.login_lifetime, self.0.clock.now())
            }
            (State::Live | State::Blocked, Some(Obstacle::NotAllowed | Obstacle::OtherClient))
            | (State::Dead | State::Revoking | State::Pending | State::Tombstone, _) => None,
        }
    }

    pub(crate) fn obstacle(&self, record: &Record) -> Option<Obstacle> {
        let (body, settings) = (&record.body, &self.0.settings);
        if !settings.refresh_policy.allows(&body.identity) {
            Some(Obstacle::NotAllowed)
        } else if body.issuer != settings.issuer {
            Some(Obstacle::OtherClient)
        } else if body.tokens.refresh_token.is_none() {
            Some(Obstacle::NoRefreshToken)
        } else {
            None
        }
    }
}
