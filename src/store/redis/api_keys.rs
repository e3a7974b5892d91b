//! All API keys are in one hash, by name, so that one command reads them. When each was last used is in another: it
//! changes more often.

use std::{collections::BTreeMap, sync::LazyLock};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use redis::{Cmd, Script};
use time::OffsetDateTime;

use crate::store::{
    ApiKeyRow, ApiKeys, InsertOutcome, StoreError, UpdateOutcome, millis,
    records::Sealed,
    redis::{RedisStore, connection::Connection, failure, keys},
};

/// Adding the same row again succeeds: the script may run twice if its connection is lost.
static ADD: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local taken = redis.call('HGET', KEYS[1], ARGV[1])
         if taken then return taken == ARGV[2] and 1 or 0 end
         redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
         redis.call('HDEL', KEYS[2], ARGV[1])
         return 1",
    )
});

static REMOVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('HDEL', KEYS[2], ARGV[1])
         return redis.call('HDEL', KEYS[1], ARGV[1])",
    )
});

/// Sets a field of `KEYS[2]` if the value of this API key starts with `ARGV[2]`: its hash, and a dot.
static SET_IF_SAME_KEY: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local value = redis.call('HGET', KEYS[1], ARGV[1])
         if not value or string.sub(value, 1, #ARGV[2]) ~= ARGV[2] then return 0 end
         redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
         return 1",
    )
});

#[derive(Debug, thiserror::Error)]
#[error("an API key's value is not `hash.key_id.sealed`")]
struct Malformed;

#[async_trait]
impl ApiKeys for RedisStore {
    async fn add_api_key(&self, row: &ApiKeyRow) -> Result<InsertOutcome, StoreError> {
        let mut call = ADD.key(keys::API_KEYS);
        call.key(keys::API_KEYS_USED).arg(&row.name).arg(encode(&row.hash, &row.sealed));
        let new: bool = self.last_failure.note(self.connection.script(&call).await)?;
        Ok(if new { InsertOutcome::Inserted } else { InsertOutcome::KeyTaken })
    }

    async fn api_keys(&self) -> Result<Vec<ApiKeyRow>, StoreError> {
        let values: BTreeMap<String, String> = self.connection.command(&Cmd::hgetall(keys::API_KEYS)).await?;
        let used: BTreeMap<String, i64> = self.connection.command(&Cmd::hgetall(keys::API_KEYS_USED)).await?;
        values.into_iter().map(|(name, value)| row(&self.connection, &used, name, &value)).collect()
    }

    async fn remove_api_key(&self, name: &str) -> Result<UpdateOutcome, StoreError> {
        let mut call = REMOVE.key(keys::API_KEYS);
        call.key(keys::API_KEYS_USED).arg(name);
        self.last_failure.note(self.connection.script(&call).await).map(outcome)
    }

    async fn note_api_key_used(
        &self,
        name: &str,
        hash: &[u8; 32],
        at: OffsetDateTime,
    ) -> Result<UpdateOutcome, StoreError> {
        let mut call = SET_IF_SAME_KEY.key(keys::API_KEYS);
        call.key(keys::API_KEYS_USED).arg(name).arg(prefix(hash)).arg(millis::from_time(at));
        self.last_failure.note(self.connection.script(&call).await).map(outcome)
    }

    async fn reseal_api_key(&self, name: &str, hash: &[u8; 32], sealed: &Sealed) -> Result<UpdateOutcome, StoreError> {
        let mut call = SET_IF_SAME_KEY.key(keys::API_KEYS);
        call.key(keys::API_KEYS).arg(name).arg(prefix(hash)).arg(encode(hash, sealed));
        self.last_failure.note(self.connection.script(&call).await).map(outcome)
    }
}

fn outcome(found: bool) -> UpdateOutcome {
    if found { UpdateOutcome::Updated } else { UpdateOutcome::NoRow }
}

fn prefix(hash: &[u8; 32]) -> String {
    format!("{}.", BASE64.encode(hash))
}

fn encode(hash: &[u8; 32], sealed: &Sealed) -> String {
    format!("{}{}.{}", prefix(hash), sealed.key_id, BASE64.encode(&sealed.bytes))
}

fn decode(value: &str) -> Option<([u8; 32], Sealed)> {
    let mut parts = value.splitn(3, '.');
    let (hash, key_id, bytes) = (parts.next()?, parts.next()?, parts.next()?);
    let hash = BASE64.decode(hash).ok()?.try_into().ok()?;
    Some((hash, Sealed { key_id: key_id.to_owned(), bytes: BASE64.decode(bytes).ok()?, index: None }))
}

fn row(
    connection: &Connection,
    used: &BTreeMap<String, i64>,
    name: String,
    value: &str,
) -> Result<ApiKeyRow, StoreError> {
    let (hash, sealed) = decode(value).ok_or_else(|| failure::damaged(connection.at(), Malformed))?;
    let last_used = used.get(&name).map(|millis| millis::to_time(*millis)).transpose();
    let last_used = last_used.map_err(|error| failure::damaged(connection.at(), error))?;
    Ok(ApiKeyRow { name, hash, sealed, last_used })
}
