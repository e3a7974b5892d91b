use std::sync::LazyLock;

use redis::Script;

use super::{connection::Connection, names, script::script, sessions::limits};
use crate::store::{RecordRow, RowKey, StoreError, millis};

/// Begins with a clean key: a record without limits takes over neither field nor TTL of one with them.
static PUT: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local record, ends = KEYS[1], KEYS[2]
         remove(ends, record)
         redis.call('HSET', record, 'connection_id', ARGV[1], 'generation', ARGV[2], 'sealed', ARGV[3])
         if ARGV[4] then limit(ends, record, ARGV[4], ARGV[5]) end",
    )
});

pub(super) async fn put(connection: &Connection, row: &RecordRow) -> Result<(), StoreError> {
    let mut call = PUT.key(names::record(&row.key));
    call.key(names::ENDS).arg(&row.connection_id).arg(row.generation).arg(&row.sealed);
    if let Some(limits) = row.limits {
        call.arg(millis::from_time(limits.idle)).arg(millis::from_time(limits.absolute));
    }
    connection.script(&call).await
}

type Fields = (Option<String>, Option<u64>, Option<Vec<u8>>, Option<i64>, Option<i64>);

pub(super) async fn load(connection: &Connection, key: &RowKey) -> Result<Option<RecordRow>, StoreError> {
    let fields = redis::Cmd::hmget(names::record(key), &["connection_id", "generation", "sealed", "idle", "absolute"]);
    let (connection_id, generation, sealed, idle, absolute): Fields = connection.command(&fields).await?;
    let (Some(connection_id), Some(generation), Some(sealed)) = (connection_id, generation, sealed) else {
        return Ok(None);
    };
    let limits = idle.zip(absolute).map(|(idle, absolute)| limits(connection, idle, absolute)).transpose()?;
    Ok(Some(RecordRow { key: key.clone(), connection_id, generation, limits, sealed }))
}
