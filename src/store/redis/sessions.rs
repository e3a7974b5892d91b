use std::sync::LazyLock;

use async_trait::async_trait;
use redis::Cmd;
use time::OffsetDateTime;

use crate::store::{
    InsertOutcome, RowKey, SessionRow, Sessions, StoreError, UpdateOutcome, millis,
    redis::{RedisStore, keys, rows::Reader, script::RowScript},
};

static CREATE: LazyLock<RowScript> =
    LazyLock::new(|| RowScript::new("return create_session(KEYS[1], ARGV[1], ARGV[2], ARGV[3])"));

static TOUCH: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::new(
        "local function touch(row)
             local absolute = redis.call('HGET', row, 'absolute')
             if not absolute then return 0 end
             redis.call('HSET', row, 'idle', ARGV[1])
             mark_end(row, ARGV[1], absolute)
             return 1
         end
         local found = touch(KEYS[1])
         if found == 1 then touch(KEYS[2]) end
         return found",
    )
});

static DELETE: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::new(
        "remove(KEYS[1])
         if redis.call('HEXISTS', KEYS[2], 'absolute') == 1 then remove(KEYS[2]) end",
    )
});

/// How many rows one step of a sweep deletes, so that it does not block Redis for long.
const BATCH: usize = 100;

/// Each row's limits are read again, since they may have moved after it was listed.
static SWEEP: LazyLock<RowScript> = LazyLock::new(|| {
    RowScript::new(
        "local swept = 0
         for at = 1, ROWS do
             local row = KEYS[at]
             local ends = redis.call('ZSCORE', ENDS, row)
             if ends and tonumber(ends) <= tonumber(ARGV[1]) then
                 local removed = remove(row)
                 if string.sub(row, 1, #SESSIONS) == SESSIONS then swept = swept + removed end
             end
         end
         return swept",
    )
});

#[async_trait]
impl Sessions for RedisStore {
    async fn create_session(&self, row: &SessionRow) -> Result<InsertOutcome, StoreError> {
        let mut call = CREATE.on([keys::session(&row.key)]);
        call.arg(millis::from_time(row.limits.idle)).arg(millis::from_time(row.limits.absolute)).arg(&row.sealed);
        let new: bool = self.last_failure.note(self.connection.script(&call).await)?;
        Ok(if new { InsertOutcome::Inserted } else { InsertOutcome::KeyTaken })
    }

    async fn session(&self, key: &RowKey) -> Result<Option<SessionRow>, StoreError> {
        let fields = Cmd::hmget(keys::session(key), &["idle", "absolute", "sealed"]);
        let (idle, absolute, sealed) = self.connection.command(&fields).await?;
        let Some(limits) = Reader::of(&self.connection).limits(idle, absolute)? else { return Ok(None) };
        let sealed: Option<Vec<u8>> = sealed;
        Ok(sealed.map(|sealed| SessionRow { key: key.clone(), limits, sealed }))
    }

    async fn touch_session(&self, key: &RowKey, idle: OffsetDateTime) -> Result<UpdateOutcome, StoreError> {
        let mut call = TOUCH.on([keys::session(key), keys::record(key)]);
        self.connection.script(call.arg(millis::from_time(idle))).await.map(outcome)
    }

    async fn delete_session(&self, key: &RowKey) -> Result<(), StoreError> {
        self.connection.script(&DELETE.on([keys::session(key), keys::record(key)])).await
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        let now = millis::from_time(now);
        let ended = Cmd::zrangebyscore_limit(keys::ENDS, "-inf", now, 0, BATCH.cast_signed());
        let mut total = 0;
        loop {
            let rows: Vec<String> = self.connection.command(&ended).await?;
            let last = rows.len() < BATCH;
            if !rows.is_empty() {
                let swept: u64 = self.connection.script(SWEEP.on(rows).arg(now)).await?;
                total += swept;
            }
            if last {
                return Ok(total);
            }
        }
    }
}

fn outcome(found: bool) -> UpdateOutcome {
    if found { UpdateOutcome::Updated } else { UpdateOutcome::NoRow }
}
