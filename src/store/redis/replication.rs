//! Waiting for a replica, so that a write outlives the failure of its primary.

use redis::{FromRedisValue, ScriptInvocation};

use crate::store::{
    StoreError, UnavailableReason,
    redis::{connection::Connection, info},
};

/// How long a replica may take. Together with the script, it is less than the vault's time limit of a store call.
const ACKNOWLEDGEMENT_MILLIS: u64 = 1_000;

/// Runs a script. If replicas are connected, it succeeds only when one of them has acknowledged what the script wrote.
///
/// It uses a connection of its own, because `WAIT` blocks everything else on its connection, and waits only for the writes
/// of that connection.
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

/// Whether replicas are connected. A Redis that does not report them counts as having none.
async fn has_replicas(connection: &Connection) -> Result<bool, StoreError> {
    let connected = info::field(connection, "replication", "connected_slaves").await?;
    Ok(connected.is_some_and(|count| count != "0"))
}

/// Proves that this user may run `WAIT`, if there are replicas. It does not wait.
pub(super) async fn probe(connection: &Connection) -> Result<(), StoreError> {
    if !has_replicas(connection).await? {
        return Ok(());
    }
    let acknowledged: Result<u64, _> = connection.command(redis::cmd("WAIT").arg(0).arg(0)).await;
    acknowledged.map(drop)
}
