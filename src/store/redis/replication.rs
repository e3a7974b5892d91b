//! Waiting for a replica, so that a write outlives the failure of its primary.

use redis::{FromRedisValue, ScriptInvocation};

use crate::store::{
    StoreError, UnavailableReason,
    redis::{connection::Connection, info},
};

/// How long a replica may take. Together with the script before it, this fits the time that the vault gives one step.
const ACKNOWLEDGEMENT_MILLIS: u64 = 1_000;

/// Runs a script. Where replicas are connected, it is done only when one of them has acknowledged what it wrote.
///
/// On a connection of its own: `WAIT` holds up everything else that is sent on the same one, and it counts the writes
/// of its own connection only.
pub(super) async fn script_once<T: FromRedisValue>(
    connection: &Connection,
    script: &ScriptInvocation<'_>,
) -> Result<T, StoreError> {
    if !has_replicas(connection).await? {
        return connection.script_once(script).await;
    }
    let own = connection.another();
    let answer = own.script_once(script).await?;
    let acknowledged: u64 = own.command_once(redis::cmd("WAIT").arg(1).arg(ACKNOWLEDGEMENT_MILLIS)).await?;
    if acknowledged > 0 { Ok(answer) } else { Err(own.unavailable(UnavailableReason::Unacknowledged)) }
}

/// A Redis that does not tell has none that could be waited for.
async fn has_replicas(connection: &Connection) -> Result<bool, StoreError> {
    let connected = info::field(connection, "replication", "connected_slaves").await?;
    Ok(connected.is_some_and(|count| count != "0"))
}

/// Proves that this user may wait, where there are replicas to wait for. It does not wait itself.
pub(super) async fn probe(connection: &Connection) -> Result<(), StoreError> {
    if !has_replicas(connection).await? {
        return Ok(());
    }
    let acknowledged: Result<u64, _> = connection.command(redis::cmd("WAIT").arg(0).arg(0)).await;
    acknowledged.map(drop)
}
