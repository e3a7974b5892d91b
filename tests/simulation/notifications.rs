//! The notification states in the store.

use async_trait::async_trait;
use videoask_auth::store::{NotificationRow, NotificationSwap, Notifications, RowKey, StoreError};

use super::store::SimulatedStore;

#[async_trait]
impl Notifications for SimulatedStore {
    async fn notifications(&self) -> Result<Vec<NotificationRow>, StoreError> {
        self.step("notifications", |simulation| {
            let rows = simulation.rows.notifications.clone().into_iter();
            rows.map(|(key, (version, state))| NotificationRow { key, version, state }).collect()
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
}
