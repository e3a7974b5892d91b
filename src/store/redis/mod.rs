//! Records and sessions in Redis.

mod connection;
mod failure;
mod findings;
mod info;
mod listings;
mod moment;
mod names;
mod records;
mod replication;
mod rows;
mod schema;
mod script;
mod sessions;

use std::sync::Arc;

use async_trait::async_trait;
use redis::{Cmd, SetExpiry, SetOptions};
use secrecy::SecretString;

use self::connection::Connection;
use super::{Examined, Missing, Opened, Room, State, Store, StoreError};

#[derive(Debug)]
struct RedisStore {
    connection: Connection,
}

pub(super) async fn open(url: &SecretString, missing: Missing) -> Result<Opened, StoreError> {
    let connection = Connection::new(url)?;
    if let (None, Missing::Refuse) = (schema::version(&connection).await?, missing) {
        return Err(StoreError::Missing { at: connection.at().clone() });
    }
    let origin = schema::migrate(&connection).await?;
    let findings = findings::find(&connection).await?;
    let at = connection.at().clone();
    Ok(Opened { store: Arc::new(RedisStore { connection }), at, origin, findings })
}

pub(super) async fn examine(url: &SecretString) -> Result<Examined, StoreError> {
    let connection = Connection::new(url)?;
    let version = schema::version(&connection).await?;
    probe(&connection).await?;
    let findings = findings::find(&connection).await?;
    let state = if version.is_some() { State::Sound } else { State::Absent(Room::Writable) };
    Ok(Examined { at: connection.at().clone(), state, findings })
}

#[async_trait]
impl Store for RedisStore {
    async fn probe(&self) -> Result<(), StoreError> {
        probe(&self.connection).await
    }
}

async fn probe(connection: &Connection) -> Result<(), StoreError> {
    let ten_seconds = SetOptions::default().with_expiration(SetExpiry::EX(10));
    connection.command(&Cmd::set_options(names::PROBE, 1, ten_seconds)).await
}
