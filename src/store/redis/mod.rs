//! Records and sessions in Redis.

mod connection;
mod failure;
mod findings;
mod info;
mod keys;
mod listings;
mod plain_text;
mod records;
mod replication;
mod rows;
mod schema;
mod script;
mod server;
mod sessions;
mod sortable_time;

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::store::{
    Examined, Missing, Opened, Room, State, Store, StoreError, redis::connection::Connection, unwritable::LastFailure,
};

#[derive(Debug)]
struct RedisStore {
    connection: Connection,
    last_failure: LastFailure,
}

pub(super) async fn open(url: &SecretString, missing: Missing) -> Result<Opened, StoreError> {
    let connection = Connection::new(url)?;
    server::check_mode(&connection).await?;
    if let (None, Missing::Refuse) = (schema::version(&connection).await?, missing) {
        return Err(StoreError::Missing { at: connection.at().clone() });
    }
    server::probe(&connection).await?;
    let origin = schema::migrate(&connection).await?;
    let findings = findings::find(&connection).await?;
    let at = connection.at().clone();
    let store = Arc::new(RedisStore { connection, last_failure: LastFailure::default() });
    Ok(Opened { store, at, origin, findings })
}

pub(super) async fn examine(url: &SecretString) -> Result<Examined, StoreError> {
    let connection = Connection::new(url)?;
    server::check_mode(&connection).await?;
    let version = schema::version(&connection).await?;
    server::probe(&connection).await?;
    let findings = findings::find(&connection).await?;
    let state = if version.is_some() { State::Sound } else { State::Absent(Room::Writable) };
    Ok(Examined { at: connection.at().clone(), state, findings })
}

#[async_trait]
impl Store for RedisStore {
    async fn probe(&self) -> Result<(), StoreError> {
        server::probe(&self.connection).await
    }
}
