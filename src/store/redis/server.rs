//! Whether what answers is a Redis that this program can use.

use std::sync::LazyLock;

use redis::Script;

use crate::store::{
    StoreError,
    redis::{connection::Connection, info, keys, plain_text, replication},
};

/// Runs each command that the scripts of this program run, so that a user who may not run one is found at the start
/// and not by a login. It leaves a key that expires after ten seconds.
static PROBE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local key = KEYS[1]
         -- Once a script has written something, a full Redis no longer refuses the rest.
         redis.call('SET', key, 1)
         redis.call('DEL', key)
         redis.call('HSET', key, 'a', 1, 'b', 2)
         redis.call('HGET', key, 'a')
         redis.call('HMGET', key, 'a', 'b')
         redis.call('HGETALL', key)
         redis.call('HEXISTS', key, 'a')
         redis.call('HDEL', key, 'a')
         redis.call('PERSIST', key)
         redis.call('DEL', key)
         redis.call('ZADD', key, 0, 'a')
         redis.call('ZSCORE', key, 'a')
         redis.call('ZRANGEBYLEX', key, '-', '+', 'LIMIT', 0, 1)
         redis.call('ZRANGEBYSCORE', key, '-inf', 0, 'LIMIT', 0, 1)
         redis.call('ZLEXCOUNT', key, '-', '+')
         redis.call('ZREM', key, 'a')
         redis.call('SET', key, redis.call('TIME')[1])
         redis.call('GET', key)
         redis.call('EXISTS', key)
         redis.call('PEXPIRE', key, 10000)",
    )
});

/// Refuses a node of a cluster and a Sentinel. A Redis that does not tell what it is, is taken for a single server.
pub(super) async fn check_mode(connection: &Connection) -> Result<(), StoreError> {
    let at = connection.at().clone();
    let mode = match info::field(connection, "server", "redis_mode").await {
        Ok(mode) => mode,
        Err(failure) => return Err(plain_text::explain(connection, failure).await),
    };
    match mode.as_deref() {
        Some("cluster") => Err(StoreError::ClusterNode { at }),
        Some("sentinel") => Err(StoreError::Sentinel { at }),
        Some(_) | None => Ok(()),
    }
}

/// Proves that it takes writes, and that this user may do all that the program does.
pub(super) async fn probe(connection: &Connection) -> Result<(), StoreError> {
    let () = connection.script(&PROBE.key(keys::PROBE)).await?;
    // The scripts of this program may be there already, and gone after the next restart of Redis.
    let _: String = connection.command(redis::cmd("SCRIPT").arg("LOAD").arg("return 1")).await?;
    replication::probe(connection).await
}
