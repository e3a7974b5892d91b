use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::store::{
    NotificationRow, NotificationSwap, Notifications, RowKey, StoreError, Watched,
    records::{Page, RowVersion},
    sqlite::{columns, listings, rows, store::SqliteStore},
};

const WATCHED: &str = "
    SELECT connection_id, generation, records.state, due, records.key, coalesce(notifications.version, 0)
    FROM records LEFT JOIN notifications ON notifications.key = records.key
    WHERE idle IS NULL AND records.key >= :from AND records.key IS NOT :after
    ORDER BY records.key LIMIT :limit";

#[async_trait]
impl Notifications for SqliteStore {
    async fn watched(&self, page: Page<'_>) -> Result<Vec<Watched>, StoreError> {
        let (after, limit) = (page.after.cloned(), page.limit);
        self.read(move |connection| watched(connection, after.as_ref(), limit)).await
    }

    async fn notification(&self, key: &RowKey) -> Result<Option<NotificationRow>, StoreError> {
        let key = key.clone();
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT version, state FROM notifications WHERE key = :key")?
                .query_row(named_params! { ":key": key.0 }, |row| {
                    let version: i64 = row.get(0)?;
                    Ok(NotificationRow { key: key.clone(), version: version.cast_unsigned(), state: row.get(1)? })
                })
                .optional()
        })
        .await
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
        Ok(swapped(rows))
    }

    async fn remove_notification(&self, key: &RowKey, version: u64) -> Result<NotificationSwap, StoreError> {
        let key = key.clone();
        let rows = self
            .write(move |transaction| {
                transaction
                    .prepare_cached("DELETE FROM notifications WHERE key = :key AND version = :version")?
                    .execute(named_params! { ":key": key.0, ":version": version.cast_signed() })
            })
            .await?;
        Ok(swapped(rows))
    }
}

fn watched(connection: &Connection, after: Option<&RowKey>, limit: u32) -> rusqlite::Result<Vec<Watched>> {
    let (from, after) = listings::bounds(after);
    let page = named_params! { ":from": from, ":after": after, ":limit": limit };
    let entry = |row: &rusqlite::Row<'_>| {
        Ok(Watched {
            head: RowVersion { version: rows::version(row, 0)?, state: columns::state(row, 2)? },
            due: columns::time_if_any(row, 3)?,
            key: RowKey(row.get(4)?),
            notified: row.get::<_, i64>(5)?.cast_unsigned(),
        })
    };
    connection.prepare_cached(WATCHED)?.query_map(page, entry)?.collect()
}

fn swapped(rows: usize) -> NotificationSwap {
    if rows == 0 { NotificationSwap::Conflict } else { NotificationSwap::Applied }
}

#[cfg(test)]
mod tests {
    use super::{super::schema::tests::plan, *};

    #[test]
    fn a_page_of_what_is_watched_begins_at_its_key() {
        let plan = plan(WATCHED);
        assert!(plan.contains("SEARCH records USING INDEX sqlite_autoindex_records_1 (key>?)"), "{plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP"), "{plan}");
    }
}
