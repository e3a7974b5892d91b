use async_trait::async_trait;
use rusqlite::{Connection, Transaction, named_params};
use time::OffsetDateTime;

use crate::store::{
    ApiKeyRow, ApiKeys, InsertOutcome, StoreError, UpdateOutcome, millis,
    records::Sealed,
    sqlite::{columns, store::SqliteStore},
};

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn add_api_key(&self, row: &ApiKeyRow) -> Result<InsertOutcome, StoreError> {
        let row = row.clone();
        self.write(move |transaction| add(transaction, &row)).await
    }

    async fn api_keys(&self) -> Result<Vec<ApiKeyRow>, StoreError> {
        self.read(list).await
    }

    async fn remove_api_key(&self, name: &str) -> Result<UpdateOutcome, StoreError> {
        let name = name.to_owned();
        self.write(move |transaction| {
            let rows =
                transaction.execute("DELETE FROM api_keys WHERE name = :name", named_params! { ":name": name })?;
            Ok(columns::outcome(rows))
        })
        .await
    }

    async fn note_api_key_used(
        &self,
        name: &str,
        hash: &[u8; 32],
        at: OffsetDateTime,
    ) -> Result<UpdateOutcome, StoreError> {
        let (name, hash) = (name.to_owned(), *hash);
        self.write_unsynced(move |transaction| {
            let rows = transaction
                .prepare_cached("UPDATE api_keys SET last_used = :at WHERE name = :name AND hash = :hash")?
                .execute(named_params! { ":name": name, ":hash": hash, ":at": millis::from_time(at) })?;
            Ok(columns::outcome(rows))
        })
        .await
    }

    async fn reseal_api_key(&self, name: &str, hash: &[u8; 32], sealed: &Sealed) -> Result<UpdateOutcome, StoreError> {
        let (name, hash, sealed) = (name.to_owned(), *hash, sealed.clone());
        self.write(move |transaction| {
            let rows = transaction.execute(
                "UPDATE api_keys SET key_id = :key_id, sealed = :sealed WHERE name = :name AND hash = :hash",
                named_params! { ":name": name, ":hash": hash, ":key_id": sealed.key_id, ":sealed": sealed.bytes },
            )?;
            Ok(columns::outcome(rows))
        })
        .await
    }
}

fn add(transaction: &Transaction<'_>, row: &ApiKeyRow) -> rusqlite::Result<InsertOutcome> {
    let rows = transaction.execute(
        "INSERT INTO api_keys (name, hash, key_id, sealed) VALUES (:name, :hash, :key_id, :sealed)
         ON CONFLICT (name) DO NOTHING",
        named_params! {
            ":name": row.name,
            ":hash": row.hash,
            ":key_id": row.sealed.key_id,
            ":sealed": row.sealed.bytes,
        },
    )?;
    Ok(if rows == 0 { InsertOutcome::KeyTaken } else { InsertOutcome::Inserted })
}

fn list(connection: &Connection) -> rusqlite::Result<Vec<ApiKeyRow>> {
    let mut select =
        connection.prepare_cached("SELECT name, hash, key_id, sealed, last_used FROM api_keys ORDER BY name")?;
    let rows = select.query_map([], |row| {
        Ok(ApiKeyRow {
            name: row.get(0)?,
            hash: row.get(1)?,
            sealed: Sealed { key_id: row.get(2)?, bytes: row.get(3)?, index: None },
            last_used: columns::time_if_any(row, 4)?,
        })
    })?;
    rows.collect()
}
