//! The notification states in the store.

use async_trait::async_trait;
use videoask_auth::store::{
    NotificationRow, NotificationSwap, Notifications, RowKey, StoreError, Watched,
    records::{Page, Row},
};

use super::store::SimulatedStore;

#[async_trait]
impl Notifications for SimulatedStore {
    async fn watched(&self, page: Page<'_>) -> Result<Vec<Watched>, StoreError> {
        let (after, limit) = (page.after.cloned(), page.limit as usize);
        self.step("watched", move |simulation| {
            let notified = |row: &Row| simulation.rows.notifications.get(&row.key).map_or(0, |(version, _)| *version);
            let rows = simulation.rows.now.values();
            rows.filter(|row| row.limits.is_none() && after.as_ref().is_none_or(|after| row.key > *after))
                .take(limit)
                .map(|row| Watched { key: row.key.clone(), head: row.head(), due: row.due, notified: notified(row) })
                .collect()
        })
        .await
    }

    async fn notification(&self, key: &RowKey) -> Result<Option<NotificationRow>, StoreError> {
        let key = key.clone();
        self.step("notification", move |simulation| {
            let row = simulation.rows.notifications.get(&key).filter(|(version, _)| *version > 0).cloned();
            row.map(|(version, state)| NotificationRow { key, version, state })
        })
        .await
    }

    async fn swap_notification(&self, key: &RowKey, over: u64, state: &str) -> Result<NotificationSwap, StoreError> {
        let (key, state) = (key.clone(), state.to_owned());
        self.step("swap notification", move |simulation| {
            let row = simulation.rows.notifications.entry(key).or_default();
            if row.0 != over {
                return NotificationSwap::Conflict;
            }
            *row = (over + 1, state);
            NotificationSwap::Applied
        })
        .await
    }

    async fn remove_notification(&self, key: &RowKey, version: u64) -> Result<NotificationSwap, StoreError> {
        let key = key.clone();
        self.step("remove notification", move |simulation| {
            if simulation.rows.notifications.get(&key).is_none_or(|row| row.0 != version) {
                return NotificationSwap::Conflict;
            }
            simulation.rows.notifications.remove(&key);
            NotificationSwap::Applied
        })
        .await
    }
}
