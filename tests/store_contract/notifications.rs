//! Notification states, in every backend.

use super::*;

async fn swap(test: &TestStore, name: &str, over: u64, state: &str) -> NotificationSwap {
    test.store.swap_notification(&key(name), over, state).await.unwrap()
}

async fn stored(test: &TestStore) -> Vec<(String, u64, String)> {
    let rows = test.store.notifications().await.unwrap();
    let mut rows: Vec<_> =
        rows.into_iter().map(|NotificationRow { key, version, state }| (key.0, version, state)).collect();
    rows.sort();
    rows
}

contract! {
    async fn a_state_is_written_over_the_version_that_was_read(test: &TestStore) {
        assert_eq!(stored(test).await, []);
        assert_eq!(swap(test, "a", 0, "{\"a\": 1}").await, NotificationSwap::Applied);
        assert_eq!(swap(test, "b", 0, "b 1").await, NotificationSwap::Applied);
        assert_eq!(swap(test, "a", 1, "{\"a\": 2}").await, NotificationSwap::Applied);
        let expected = [("a", 2, "{\"a\": 2}"), ("b", 1, "b 1")];
        assert_eq!(stored(test).await, expected.map(|(key, version, state)| (key.into(), version, state.into())));
    }

    async fn another_version_is_a_conflict_and_changes_nothing(test: &TestStore) {
        assert_eq!(swap(test, "a", 1, "none").await, NotificationSwap::Conflict);
        swap(test, "a", 0, "one").await;
        for version in [0, 2] {
            assert_eq!(swap(test, "a", version, "other").await, NotificationSwap::Conflict);
        }
        assert_eq!(stored(test).await, [("a".into(), 1, "one".into())]);
    }

    async fn of_many_who_swap_at_once_one_wins(test: &TestStore) {
        let attempts = (0..16).map(|number| {
            let store = Arc::clone(&test.store);
            tokio::spawn(async move { store.swap_notification(&key("a"), 0, &format!("{number}")).await.unwrap() })
        });
        let mut applied = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            applied += u32::from(attempt.await.unwrap() == NotificationSwap::Applied);
        }
        assert_eq!(applied, 1);
    }
}
