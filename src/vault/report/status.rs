//! The status of a connection: states, times and reasons, and no secret.

use std::borrow::Cow;

use time::OffsetDateTime;

use crate::{
    store::{
        RowKey,
        records::{Row, State, Version},
    },
    vault::{
        Vault,
        record::{Record, RecordBody, cause::Retry, history::History, identity::Identity},
        report::{login_end::LoginEnd, obstacle::Obstacle, visible_record::VisibleRecord},
    },
};

#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) key: RowKey,
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

impl Vault {
    pub(crate) fn status_of(&self, key: &RowKey, shown: &VisibleRecord) -> Status {
        let record = shown.record();
        // It would not be visible if its user were not allowed.
        let obstacle = self.obstacle_of_allowed(&record.body);
        self.status(key, Cow::Borrowed(record), shown.state(), record.due(shown.state()), obstacle)
    }

    pub(super) fn status_of_row(&self, row: &Row, record: Record) -> Status {
        let obstacle = self.obstacle(&record);
        self.status(&row.key, Cow::Owned(record), row.state, row.due, obstacle)
    }

    fn status(
        &self,
        key: &RowKey,
        record: Cow<'_, Record>,
        state: State,
        due: Option<OffsetDateTime>,
        obstacle: Option<Obstacle>,
    ) -> Status {
        let version = record.version();
        let body = &record.body;
        let login_end = self.login_end(body, state, obstacle);
        let (minted_at, expires_at) = (body.minted_at, body.tokens.expires_at);
        // Only these two, and not the tokens.
        let (identity, history) = match record {
            Cow::Borrowed(record) => (record.body.identity.clone(), record.body.history.clone()),
            Cow::Owned(record) => (record.body.identity, record.body.history),
        };
        Status {
            key: key.clone(),
            version,
            state,
            obstacle,
            minted_at,
            expires_at,
            next_refresh: due.filter(|_| obstacle.is_none() && !self.0.settings.refresh_policy.is_manual()),
            identity,
            retry: if key.is_import() { Retry::Import } else { self.0.settings.refresh_policy.retry() },
            login_end,
            history,
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
        let is_allowed = self.0.settings.refresh_policy.allows(&record.body.identity);
        if is_allowed { self.obstacle_of_allowed(&record.body) } else { Some(Obstacle::NotAllowed) }
    }

    /// The obstacle if the user is allowed.
    fn obstacle_of_allowed(&self, body: &RecordBody) -> Option<Obstacle> {
        if body.issuer != self.0.settings.issuer {
            Some(Obstacle::OtherClient)
        } else if body.tokens.refresh_token.is_none() {
            Some(Obstacle::NoRefreshToken)
        } else {
            None
        }
    }
}
