use std::sync::LazyLock;

use async_trait::async_trait;
use redis::{Cmd, Script};

use crate::store::{
    NotificationRow, NotificationSwap, Notifications, RowKey, StoreError,
    redis::{RedisStore, failure, keys},
};

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

#[derive(Debug, thiserror::Error)]
#[error("a notification state without a version")]
struct NoVersion;

#[async_trait]
impl Notifications for RedisStore {
    async fn notifications(&self) -> Result<Vec<NotificationRow>, StoreError> {
        let rows: Vec<(String, String)> = self.connection.command(&Cmd::hgetall(keys::NOTIFICATIONS)).await?;
        rows.into_iter().map(|(key, value)| self.notification(key, &value)).collect()
    }

    async fn swap_notification(&self, key: &RowKey, over: u64, state: &str) -> Result<NotificationSwap, StoreError> {
        let mut call = SWAP.key(keys::NOTIFICATIONS);
        call.arg(&key.0).arg(over).arg(format!("{} {state}", over + 1));
        let swapped: bool = self.last_failure.note(self.connection.script_once(&call).await)?;
        Ok(if swapped { NotificationSwap::Applied } else { NotificationSwap::Conflict })
    }
}

impl RedisStore {
    fn notification(&self, key: String, value: &str) -> Result<NotificationRow, StoreError> {
        let (version, state) = value.split_once(' ').unwrap_or_default();
        let version = version.parse().map_err(|_| failure::damaged(self.connection.at(), NoVersion))?;
        Ok(NotificationRow { key: RowKey(key), version, state: state.to_owned() })
    }
}
