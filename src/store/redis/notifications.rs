use std::sync::LazyLock;

use async_trait::async_trait;
use redis::{Cmd, Script};

use crate::store::{
    NotificationRow, NotificationSwap, Notifications, RowKey, StoreError, Watched,
    records::Page,
    redis::{RedisStore, failure, keys, listings, rows::Reader, script::RowScript},
};

/// The fields of each record of a page that are compared.
static WATCHED: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::for_records(
        "local rows = {}
         for at = 1, ROWS do rows[at] = redis.call('HMGET', KEYS[at], 'connection_id', 'generation', 'state', 'due') end
         return rows",
    )
});

/// A hash of [`WATCHED`], all empty where there is none.
type WatchedFields = (Option<String>, Option<u64>, Option<String>, Option<String>);

/// All states are in one hash. Its fields are the keys of the records; each value is a version, a space and the state.
static SWAP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local before = redis.call('HGET', KEYS[1], ARGV[1])
         local version = before and string.match(before, '^(%d+) ') or '0'
         if version ~= ARGV[2] then return 0 end
         redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
         return 1",
    )
});

static REMOVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local before = redis.call('HGET', KEYS[1], ARGV[1])
         if not before or string.match(before, '^(%d+) ') ~= ARGV[2] then return 0 end
         return redis.call('HDEL', KEYS[1], ARGV[1])",
    )
});

#[derive(Debug, thiserror::Error)]
#[error("a notification state without a version")]
struct NoVersion;

#[async_trait]
impl Notifications for RedisStore {
    async fn watched(&self, page: Page<'_>) -> Result<Vec<Watched>, StoreError> {
        let keys = listings::kept_keys(&self.connection, page).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = keys.iter().map(|key| &key.0).collect();
        let states: Vec<Option<String>> = self.connection.command(&Cmd::hmget(keys::NOTIFICATIONS, names)).await?;
        let heads: Vec<WatchedFields> = self.connection.script(&WATCHED.on(keys.iter().map(keys::record))).await?;
        let reader = Reader::of(&self.connection);
        let rows = keys.into_iter().zip(heads).zip(states);
        let rows = rows.filter(|((_, head), _)| *head != WatchedFields::default());
        let watched = rows.map(|((key, (connection_id, generation, state, due)), value)| {
            let notified = value.map(|value| self.notification_row(&key, &value)).transpose()?;
            Ok(Watched {
                key,
                head: reader.head(connection_id, generation, state)?,
                due: due.map(|due| reader.due(&due)).transpose()?,
                notified: notified.map_or(0, |row| row.version),
            })
        });
        watched.collect()
    }

    async fn notification(&self, key: &RowKey) -> Result<Option<NotificationRow>, StoreError> {
        let value: Option<String> = self.connection.command(&Cmd::hget(keys::NOTIFICATIONS, &key.0)).await?;
        value.map(|value| self.notification_row(key, &value)).transpose()
    }

    async fn swap_notification(&self, key: &RowKey, over: u64, state: &str) -> Result<NotificationSwap, StoreError> {
        let mut call = SWAP.key(keys::NOTIFICATIONS);
        call.arg(&key.0).arg(over).arg(format!("{} {state}", over + 1));
        let swapped: bool = self.last_failure.note(self.connection.script_once(&call).await)?;
        Ok(if swapped { NotificationSwap::Applied } else { NotificationSwap::Conflict })
    }

    async fn remove_notification(&self, key: &RowKey, version: u64) -> Result<NotificationSwap, StoreError> {
        let mut call = REMOVE.key(keys::NOTIFICATIONS);
        call.arg(&key.0).arg(version);
        let removed: bool = self.last_failure.note(self.connection.script_once(&call).await)?;
        Ok(if removed { NotificationSwap::Applied } else { NotificationSwap::Conflict })
    }
}

impl RedisStore {
    fn notification_row(&self, key: &RowKey, value: &str) -> Result<NotificationRow, StoreError> {
        let (version, state) = value.split_once(' ').unwrap_or_default();
        let version = version.parse().map_err(|_| failure::damaged(self.connection.at(), NoVersion))?;
        Ok(NotificationRow { key: key.clone(), version, state: state.to_owned() })
    }
}
