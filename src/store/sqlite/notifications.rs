use async_trait::async_trait;
use rusqlite::{Connection, named_params};

use crate::store::{NotificationRow, NotificationSwap, Notifications, RowKey, StoreError, sqlite::store::SqliteStore};

#[async_trait]
impl Notifications for SqliteStore {
    async fn notifications(&self) -> Result<Vec<NotificationRow>, StoreError> {
        self.read(all).await
    }

    async fn swap_notification(&self, key: &RowKey, over: u64, state: &str) -> Result<NotificationSwap, StoreError> {
        let (key, state) = (key.clone(), state.to_owned());
        let rows = self
            .write(move |transaction| {
                let statement = if over == 0 {
                    "INSERT INTO notifications (key, version, state) VALUES (:key, 1 + :over, :state)
                     ON CONFLICT (key) DO NOTHING"
                } else {
                    "UPDATE notifications SET version = version + 1, state = :state WHERE key = :key AND version = :over"
                };
                transaction
                    .prepare_cached(statement)?
                    .execute(named_params! { ":key": key.0, ":over": over.cast_signed(), ":state": state })
            })
            .await?;
        Ok(if rows == 0 { NotificationSwap::Conflict } else { NotificationSwap::Applied })
    }
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<NotificationRow>> {
    connection
        .prepare_cached("SELECT key, version, state FROM notifications")?
        .query_map([], |row| {
            let version: i64 = row.get(1)?;
            Ok(NotificationRow { key: RowKey(row.get(0)?), version: version.cast_unsigned(), state: row.get(2)? })
        })?
        .collect()
}
