//! Checks that the server is a Redis that this program can use.

use std::sync::LazyLock;

use redis::Script;

use crate::store::{
    StoreError,
    redis::{connection::Connection, info, keys, plain_text, replication},
};

/// Runs each command that this program's scripts use, so that a user who lacks the right to one is found at the start and
/// not at a login. It leaves a key that expires after ten seconds.
static PROBE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local key = KEYS[1]
         -- The first command must be a write that needs memory: only there does a full Redis refuse the script.
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

/// Refuses a cluster node and a Sentinel. A Redis that does not report its mode counts as a single server.
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

/// Proves that it accepts writes, and that this user may run every command that the program needs.
pub(super) async fn probe(connection: &Connection) -> Result<(), StoreError> {
    let () = connection.script(&PROBE.key(keys::PROBE)).await?;
    // The scripts may be loaded already, but after a restart of Redis this user has to be able to load them.
    let _: String = connection.command(redis::cmd("SCRIPT").arg("LOAD").arg("return 1")).await?;
    replication::probe(connection).await
}
