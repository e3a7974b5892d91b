//! Records and sessions in Redis.

mod api_keys;
mod connection;
mod failure;
mod index;
mod index_codec;
mod info;
mod keys;
mod listings;
mod notifications;
mod plain_text;
mod records;
mod replication;
mod risks;
mod rows;
mod schema;
mod script;
mod server;
mod sessions;
mod sortable_time;

use std::sync::Arc;

use secrecy::SecretString;

use crate::store::{
    CanCreate, IfMissing, Inspection, OpenedStore, StoreError, StoreStatus, redis::connection::Connection,
    unwritable::LastFailure,
};

#[derive(Debug)]
struct RedisStore {
    connection: Connection,
    last_failure: LastFailure,
}

pub(super) async fn open(url: &SecretString, missing: IfMissing) -> Result<OpenedStore, StoreError> {
    let connection = Connection::new(url)?;
    server::check_mode(&connection).await?;
    if let (None, IfMissing::Refuse) = (schema::version(&connection).await?, missing) {
        return Err(StoreError::Missing { at: connection.at().clone() });
    }
    server::probe(&connection).await?;
    let origin = schema::migrate(&connection).await?;
    let risks = risks::find(&connection).await?;
    let at = connection.at().clone();
    let store = Arc::new(RedisStore { connection, last_failure: LastFailure::default() });
    Ok(OpenedStore { store, at, origin, risks })
}

pub(super) async fn inspect(url: &SecretString) -> Result<Inspection, StoreError> {
    let connection = Connection::new(url)?;
    server::check_mode(&connection).await?;
    let version = schema::version(&connection).await?;
    server::probe(&connection).await?;
    let risks = risks::find(&connection).await?;
    let status = if version.is_some() { StoreStatus::Writable } else { StoreStatus::Missing(CanCreate::Yes) };
    Ok(Inspection { at: connection.at().clone(), status, risks })
}
