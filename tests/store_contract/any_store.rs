//! Sessions, their mint records, and general properties of a store, in every backend.

use super::*;

contract! {
    async fn a_session_comes_back_as_it_was_created(test: &TestStore) {
        let row = session("a", 10, 20);
        assert_eq!(test.store.create_session(&row).await.unwrap(), InsertOutcome::Inserted);
        assert_eq!(test.store.session(&row.key).await.unwrap(), Some(row));
    }

    async fn what_is_not_there_is_none(test: &TestStore) {
        assert_eq!(test.store.session(&key("a")).await.unwrap(), None);
        assert_eq!(test.row("a").await, None);
    }

    async fn a_taken_key_is_reported_and_its_session_not_changed(test: &TestStore) {
        let first = session("a", 10, 20);
        test.store.create_session(&first).await.unwrap();
        let second = SessionRow { sealed: b"other".to_vec(), ..session("a", 30, 40) };
        assert_eq!(test.store.create_session(&second).await.unwrap(), InsertOutcome::KeyTaken);
        assert_eq!(test.store.session(&first.key).await.unwrap(), Some(first));
    }

    async fn of_many_who_create_one_session_at_once_one_wins(test: &TestStore) {
        let attempts = (0..16).map(|number: u8| {
            let store = Arc::clone(&test.store);
            let row = SessionRow { sealed: vec![number], ..session("a", 10, 20) };
            tokio::spawn(async move { (store.create_session(&row).await.unwrap(), number) })
        });
        let mut winners = Vec::new();
        for attempt in attempts.collect::<Vec<_>>() {
            let (created, number) = attempt.await.unwrap();
            winners.extend((created == InsertOutcome::Inserted).then_some(number));
        }
        let stored = test.store.session(&key("a")).await.unwrap().unwrap();
        assert_eq!(stored.sealed, winners, "one winner, and its data is what is stored");
    }

    async fn deleting_twice_is_fine_and_other_sessions_stay(test: &TestStore) {
        let other = session("b", 10, 20);
        test.store.create_session(&session("a", 10, 20)).await.unwrap();
        test.store.create_session(&other).await.unwrap();
        test.store.delete_session(&key("a")).await.unwrap();
        test.store.delete_session(&key("a")).await.unwrap();
        assert_eq!(test.store.session(&key("a")).await.unwrap(), None);
        assert_eq!(test.store.session(&other.key).await.unwrap(), Some(other));
    }

    async fn deleting_a_session_deletes_its_mint_record(test: &TestStore) {
        test.store.create_session(&session("a", 10, 20)).await.unwrap();
        test.put(&minted("a", 10, 20)).await;
        test.store.delete_session(&key("a")).await.unwrap();
        assert_eq!(test.row("a").await, None);
    }

    async fn deleting_a_session_leaves_a_kept_record(test: &TestStore) {
        test.store.create_session(&session("a", 10, 20)).await.unwrap();
        test.put(&kept("a")).await;
        test.store.delete_session(&key("a")).await.unwrap();
        assert_eq!(test.row("a").await, Some(stored(&kept("a"))));
    }

    async fn a_touch_moves_the_idle_limit_of_session_and_mint_record(test: &TestStore) {
        test.store.create_session(&session("a", 10, 50)).await.unwrap();
        test.put(&minted("a", 10, 50)).await;
        assert_eq!(test.store.touch_session(&key("a"), at(30)).await.unwrap(), UpdateOutcome::Updated);
        assert_eq!(test.store.session(&key("a")).await.unwrap(), Some(session("a", 30, 50)));
        assert_eq!(test.row("a").await, Some(stored(&minted("a", 30, 50))));
        assert_eq!(test.store.sweep(at(29)).await.unwrap(), 0);
        assert_eq!(test.store.sweep(at(30)).await.unwrap(), 1);
    }

    async fn a_touch_gives_a_kept_record_no_limits(test: &TestStore) {
        test.store.create_session(&session("a", 10, 50)).await.unwrap();
        test.put(&kept("a")).await;
        test.store.touch_session(&key("a"), at(30)).await.unwrap();
        assert_eq!(test.row("a").await, Some(stored(&kept("a"))));
    }

    async fn a_touch_without_a_session_leaves_the_record_to_the_sweep(test: &TestStore) {
        test.put(&minted("a", 10, 50)).await;
        assert_eq!(test.store.touch_session(&key("a"), at(30)).await.unwrap(), UpdateOutcome::NoRow);
        assert_eq!(test.row("a").await, Some(stored(&minted("a", 10, 50))));
        assert_eq!(test.store.session(&key("a")).await.unwrap(), None);
    }

    async fn a_sweep_takes_what_is_past_either_limit_and_counts_the_sessions(test: &TestStore) {
        test.store.create_session(&session("idle", 10, 50)).await.unwrap();
        test.store.create_session(&session("absolute", 50, 10)).await.unwrap();
        test.store.create_session(&session("alive", 11, 50)).await.unwrap();
        test.put(&minted("idle", 10, 50)).await;
        test.put(&minted("alive", 11, 50)).await;
        test.put(&kept("kept")).await;
        assert_eq!(test.store.sweep(at(9)).await.unwrap(), 0);
        assert_eq!(test.store.sweep(at(10)).await.unwrap(), 2);
        assert_eq!(test.store.sweep(at(10)).await.unwrap(), 0);
        for (name, session, record) in [("idle", false, false), ("absolute", false, false), ("alive", true, true)] {
            assert_eq!(test.store.session(&key(name)).await.unwrap().is_some(), session, "session {name}");
            assert_eq!(test.row(name).await.is_some(), record, "record {name}");
        }
        assert_eq!(test.row("kept").await, Some(stored(&kept("kept"))));
    }

    async fn a_sweep_takes_a_mint_record_whose_session_is_gone(test: &TestStore) {
        test.put(&minted("a", 10, 50)).await;
        assert_eq!(test.store.sweep(at(10)).await.unwrap(), 0, "no session was swept");
        assert_eq!(test.row("a").await, None);
    }

    async fn a_sweep_takes_hundreds_in_one_call(test: &TestStore) {
        for number in 0..350 {
            test.store.create_session(&session(&number.to_string(), 10, 50)).await.unwrap();
        }
        assert_eq!(test.store.sweep(at(10)).await.unwrap(), 350);
    }

    async fn a_session_past_its_limits_is_still_read(test: &TestStore) {
        let row = session("a", -1_000_000_000_000, -1_000_000_000_000);
        test.store.create_session(&row).await.unwrap();
        assert_eq!(test.store.session(&row.key).await.unwrap(), Some(row), "the caller's clock judges, not the store's");
    }

    async fn sessions_and_records_of_one_key_are_two_things(test: &TestStore) {
        test.store.create_session(&session("a", 10, 20)).await.unwrap();
        assert_eq!(test.row("a").await, None);
        test.put(&kept("b")).await;
        assert_eq!(test.store.session(&key("b")).await.unwrap(), None);
    }

    async fn limits_are_kept_to_the_millisecond(test: &TestStore) {
        let precise = Limits { idle: at(10) + Duration::from_nanos(123_456_789), absolute: at(20) };
        let row = SessionRow { limits: precise, ..session("a", 0, 0) };
        test.store.create_session(&row).await.unwrap();
        let stored = test.store.session(&row.key).await.unwrap().unwrap().limits;
        assert_eq!(stored, Limits { idle: at(10) + Duration::from_millis(123), absolute: at(20) });
    }

    async fn any_bytes_are_kept_up_to_64_kib_and_none_at_all(test: &TestStore) {
        let big: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
        for (name, sealed) in [("big", big), ("empty", Vec::new())] {
            let row = SessionRow { sealed: sealed.clone(), ..session(name, 10, 20) };
            test.store.create_session(&row).await.unwrap();
            assert_eq!(test.store.session(&row.key).await.unwrap(), Some(row));
            let record = NewRow { sealed: Sealed { bytes: sealed, ..kept(name).sealed }, ..kept(name) };
            test.put(&record).await;
            assert_eq!(test.row(name).await, Some(stored(&record)));
        }
    }

    async fn a_key_may_hold_any_character(test: &TestStore) {
        let names = ["", " ", "a:b", "*", "a'; DROP TABLE sessions; --", "a\r\nb", "\u{0}", "{a}", "é\u{1f511}"];
        for (name, number) in names.into_iter().zip(0_u8..) {
            let row = SessionRow { sealed: vec![number], ..session(name, 10, 20) };
            assert_eq!(test.store.create_session(&row).await.unwrap(), InsertOutcome::Inserted, "{name:?}");
        }
        for (name, number) in names.into_iter().zip(0_u8..) {
            assert_eq!(test.store.session(&key(name)).await.unwrap().unwrap().sealed, [number], "{name:?}");
        }
    }

    async fn a_store_that_works_takes_writes_and_is_tidied_at_any_time(test: &TestStore) {
        test.put(&kept("a")).await;
        test.store.check_writes().await.unwrap();
        test.store.checkpoint().await.unwrap();
        assert_eq!(test.row("a").await, Some(stored(&kept("a"))));
    }

    async fn a_store_opened_again_is_the_same_one(test: &TestStore) {
        // Each time `memory:` is opened, there is a new store.
        if let StoreUrl::Memory = test.url {
            assert_eq!(open(&test.url, IfMissing::Create).await.unwrap().origin, StoreOrigin::Created);
            return;
        }
        let row = session("a", 10, 20);
        test.store.create_session(&row).await.unwrap();
        let second = open(&test.url, IfMissing::Refuse).await.unwrap();
        assert_eq!(second.origin, StoreOrigin::Existing);
        assert_eq!(second.store.session(&row.key).await.unwrap(), Some(row.clone()));
        second.store.touch_session(&row.key, at(15)).await.unwrap();
        assert_eq!(test.store.session(&row.key).await.unwrap().unwrap().limits.idle, at(15));
    }
}
