use std::sync::LazyLock;

use redis::Script;
use time::OffsetDateTime;

use super::{connection::Connection, failure, names, script::script};
use crate::store::{Created, Limits, Outcome, RowKey, SessionRow, StoreError, millis};

static CREATE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local session, ends = KEYS[1], KEYS[2]
         if redis.call('EXISTS', session) == 1 then return 0 end
         redis.call('HSET', session, 'sealed', ARGV[3])
         limit(ends, session, ARGV[1], ARGV[2])
         return 1",
    )
});

static SAVE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
         redis.call('HSET', KEYS[1], 'sealed', ARGV[1])
         return 1",
    )
});

static TOUCH: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local ends, idle = KEYS[3], ARGV[1]
         local function touch(key)
             local absolute = redis.call('HGET', key, 'absolute')
             if not absolute then return 0 end
             redis.call('HSET', key, 'idle', idle)
             mark_end(ends, key, idle, absolute)
             return 1
         end
         local found = touch(KEYS[1])
         if found == 1 then touch(KEYS[2]) end
         return found",
    )
});

static DELETE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local session, record, ends = KEYS[1], KEYS[2], KEYS[3]
         remove(ends, session)
         if redis.call('HEXISTS', record, 'absolute') == 1 then remove(ends, record) end",
    )
});

/// One batch, so that no sweep keeps Redis from others for long.
static SWEEP: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local ends, now, sessions = KEYS[1], ARGV[1], ARGV[2]
         local due = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 100)
         local swept = 0
         for _, key in ipairs(due) do
             local removed = remove(ends, key)
             if string.sub(key, 1, #sessions) == sessions then swept = swept + removed end
         end
         return {#due, swept}",
    )
});

pub(super) async fn create(connection: &Connection, row: &SessionRow) -> Result<Created, StoreError> {
    let mut call = CREATE.key(names::session(&row.key));
    call.key(names::ENDS);
    call.arg(millis::from_time(row.limits.idle)).arg(millis::from_time(row.limits.absolute)).arg(&row.sealed);
    let new: bool = connection.script(&call).await?;
    Ok(if new { Created::New } else { Created::Exists })
}

pub(super) async fn save(connection: &Connection, key: &RowKey, sealed: &[u8]) -> Result<Outcome, StoreError> {
    let mut call = SAVE.key(names::session(key));
    connection.script(call.arg(sealed)).await.map(outcome)
}

pub(super) async fn load(connection: &Connection, key: &RowKey) -> Result<Option<SessionRow>, StoreError> {
    let fields = redis::Cmd::hmget(names::session(key), &["idle", "absolute", "sealed"]);
    let (idle, absolute, sealed): (Option<i64>, Option<i64>, Option<Vec<u8>>) = connection.command(&fields).await?;
    let (Some(idle), Some(absolute), Some(sealed)) = (idle, absolute, sealed) else { return Ok(None) };
    let limits = limits(connection, idle, absolute)?;
    Ok(Some(SessionRow { key: key.clone(), limits, sealed }))
}

pub(super) async fn touch(connection: &Connection, key: &RowKey, idle: OffsetDateTime) -> Result<Outcome, StoreError> {
    let mut call = TOUCH.key(names::session(key));
    call.key(names::record(key)).key(names::ENDS).arg(millis::from_time(idle));
    connection.script(&call).await.map(outcome)
}

pub(super) async fn delete(connection: &Connection, key: &RowKey) -> Result<(), StoreError> {
    let mut call = DELETE.key(names::session(key));
    connection.script(call.key(names::record(key)).key(names::ENDS)).await
}

/// Deletes what has ended, mint records too, and counts the sessions.
pub(super) async fn sweep(connection: &Connection, now: OffsetDateTime) -> Result<u64, StoreError> {
    let mut call = SWEEP.key(names::ENDS);
    call.arg(millis::from_time(now)).arg(names::session_prefix());
    let mut total = 0;
    loop {
        let (due, swept): (u64, u64) = connection.script(&call).await?;
        total += swept;
        if due == 0 {
            return Ok(total);
        }
    }
}

pub(super) fn limits(connection: &Connection, idle: i64, absolute: i64) -> Result<Limits, StoreError> {
    let time = |millis| millis::to_time(millis).map_err(|error| failure::damaged(connection.at(), error));
    Ok(Limits { idle: time(idle)?, absolute: time(absolute)? })
}

fn outcome(found: bool) -> Outcome {
    if found { Outcome::Done } else { Outcome::Missing }
}
