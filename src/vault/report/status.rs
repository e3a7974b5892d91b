//! The status of a connection: states, times and reasons, and no secret.

use time::OffsetDateTime;

use crate::{
    store::{
        RowKey,
        records::{State, Version},
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
        let due = shown.record().due(shown.state());
        self.status(key, shown.record().clone(), shown.state(), due)
    }

    pub(super) fn status(&self, key: &RowKey, record: Record, state: State, due: Option<OffsetDateTime>) -> Status {
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
