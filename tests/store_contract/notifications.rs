//! Notification states, in every backend.

use super::*;

async fn swap(test: &TestStore, name: &str, over: u64, state: &str) -> NotificationSwap {
    test.store.swap_notification(&key(name), over, state).await.unwrap()
}

/// The version and the state of this notification.
async fn stored(test: &TestStore, name: &str) -> Option<(u64, String)> {
    let row = test.store.notification(&key(name)).await.unwrap()?;
    assert_eq!(row.key, key(name));
    Some((row.version, row.state))
}

contract! {
    async fn a_state_is_written_over_the_version_that_was_read(test: &TestStore) {
        assert_eq!(stored(test, "a").await, None);
        assert_eq!(swap(test, "a", 0, "{\"a\": 1}").await, NotificationSwap::Applied);
        assert_eq!(swap(test, "b", 0, "b 1").await, NotificationSwap::Applied);
        assert_eq!(swap(test, "a", 1, "{\"a\": 2}").await, NotificationSwap::Applied);
        assert_eq!(stored(test, "a").await, Some((2, "{\"a\": 2}".into())));
        assert_eq!(stored(test, "b").await, Some((1, "b 1".into())));
    }

    async fn another_version_is_a_conflict_and_changes_nothing(test: &TestStore) {
        assert_eq!(swap(test, "a", 1, "none").await, NotificationSwap::Conflict);
        swap(test, "a", 0, "one").await;
        for version in [0, 2] {
            assert_eq!(swap(test, "a", version, "other").await, NotificationSwap::Conflict);
            assert_eq!(test.store.remove_notification(&key("a"), version).await.unwrap(), NotificationSwap::Conflict);
        }
        assert_eq!(stored(test, "a").await, Some((1, "one".into())));
    }

    async fn a_state_is_removed_at_the_version_that_was_read_and_may_be_written_again(test: &TestStore) {
        swap(test, "a", 0, "one").await;
        swap(test, "b", 0, "one").await;
        assert_eq!(test.store.remove_notification(&key("a"), 1).await.unwrap(), NotificationSwap::Applied);
        assert_eq!(test.store.remove_notification(&key("a"), 1).await.unwrap(), NotificationSwap::Conflict);
        assert_eq!((stored(test, "a").await, stored(test, "b").await), (None, Some((1, "one".into()))));
        assert_eq!(swap(test, "a", 0, "two").await, NotificationSwap::Applied);
        assert_eq!(stored(test, "a").await, Some((1, "two".into())));
    }

    async fn what_is_watched_of_each_record_is_its_row_and_the_version_of_its_state(test: &TestStore) {
        let mut expected = Vec::new();
        for name in ["a", "b", "c"] {
            let row = kept(name);
            test.store.put(&row, None).await.unwrap();
            let head = RowVersion { version: row.version.clone(), state: row.state };
            expected.push(Watched { key: row.key.clone(), head, due: row.due, notified: 0 });
        }
        swap(test, "b", 0, "one").await;
        swap(test, "b", 1, "two").await;
        expected[1].notified = 2;
        swap(test, "of no record", 0, "one").await;
        let watched = async |after: Option<&RowKey>, limit| test.store.watched(Page { after, limit }).await.unwrap();
        assert_eq!(watched(None, 100).await, expected);
        assert_eq!(watched(None, 2).await, expected[..2]);
        assert_eq!(watched(Some(&key("a")), 100).await, expected[1..]);
        assert_eq!(watched(Some(&key("c")), 100).await, []);
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
