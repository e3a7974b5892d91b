//! Records and sessions in Redis.

mod connection;
mod failure;
mod findings;
mod names;
mod records;
mod schema;
mod script;
mod sessions;

use std::sync::Arc;

use async_trait::async_trait;
use redis::{Cmd, SetExpiry, SetOptions};
use secrecy::SecretString;
use time::OffsetDateTime;

use self::connection::Connection;
use super::{
    Created, Examined, Missing, Opened, Outcome, RecordRow, Room, RowKey, SessionRow, State, Store, StoreError,
};

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
    let findings = findings::find(&connection).await;
    Ok(Opened { store: Arc::new(RedisStore { connection }), origin, findings })
}

pub(super) async fn examine(url: &SecretString) -> Result<Examined, StoreError> {
    let connection = Connection::new(url)?;
    let version = schema::version(&connection).await?;
    probe(&connection).await?;
    let findings = findings::find(&connection).await;
    let state = if version.is_some() { State::Sound } else { State::Absent(Room::Writable) };
    Ok(Examined { at: connection.at().clone(), state, findings })
}

#[async_trait]
impl Store for RedisStore {
    async fn create_session(&self, row: &SessionRow) -> Result<Created, StoreError> {
        sessions::create(&self.connection, row).await
    }

    async fn save_session(&self, key: &RowKey, sealed: &[u8]) -> Result<Outcome, StoreError> {
        sessions::save(&self.connection, key, sealed).await
    }

    async fn session(&self, key: &RowKey) -> Result<Option<SessionRow>, StoreError> {
        sessions::load(&self.connection, key).await
    }

    async fn touch_session(&self, key: &RowKey, idle: OffsetDateTime) -> Result<Outcome, StoreError> {
        sessions::touch(&self.connection, key, idle).await
    }

    async fn delete_session(&self, key: &RowKey) -> Result<(), StoreError> {
        sessions::delete(&self.connection, key).await
    }

    async fn put_record(&self, row: &RecordRow) -> Result<(), StoreError> {
        records::put(&self.connection, row).await
    }

    async fn record(&self, key: &RowKey) -> Result<Option<RecordRow>, StoreError> {
        records::load(&self.connection, key).await
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        sessions::sweep(&self.connection, now).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        probe(&self.connection).await
    }
}

async fn probe(connection: &Connection) -> Result<(), StoreError> {
    let ten_seconds = SetOptions::default().with_expiration(SetExpiry::EX(10));
    connection.command(&Cmd::set_options(names::PROBE, 1, ten_seconds)).await
}
