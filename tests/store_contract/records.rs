//! Records are put, swapped, restored and adopted, in every backend.

use super::*;

/// The change that saves a new token set.
fn saved(generation: u64) -> Change {
    Change {
        generation,
        state: record::State::Live,
        due: Some(at(500)),
        attempt: None,
        sealed: Some(Sealed { key_id: "ef01".to_owned(), bytes: b"new tokens".to_vec(), index: None }),
    }
}

fn pending(name: &str) -> NewRow {
    NewRow { version: version("import", 1), state: record::State::Pending, due: Some(at(3)), ..kept(name) }
}

fn later(name: &str) -> NewRow {
    NewRow { version: version("c2", 1), sealed: sealed("a later login"), ..kept(name) }
}

fn moved(row: Row) -> Cas {
    Cas::Conflict(Box::new(row))
}

contract! {
    async fn a_record_comes_back_as_it_was_put(test: &TestStore) {
        for row in [minted("minted", 10, 20), NewRow { due: Some(at(-5)), ..kept("kept") }] {
            test.put(&row).await;
            assert_eq!(test.row(&row.key.0).await, Some(stored(&row)));
            let head = RowVersion { version: row.version, state: row.state };
            assert_eq!(test.store.peek(&row.key).await.unwrap(), Some(head));
        }
    }

    async fn nothing_is_read_swapped_or_replaced_where_nothing_is(test: &TestStore) {
        let row = kept("a");
        assert_eq!(test.store.peek(&row.key).await.unwrap(), None);
        assert_eq!(test.store.swap(&row.key, &untouched(&row), &saved(8)).await.unwrap(), Cas::NoRow);
        assert_eq!(test.store.put(&row, Some(&live_version("c0", 1))).await.unwrap(), Cas::NoRow);
        assert_eq!(test.row("a").await, None);
    }

    async fn a_login_and_its_session_are_put_together_or_not_at_all(test: &TestStore) {
        let of_session = async |name: &str| test.store.session(&key(name)).await.unwrap();
        let (login, own) = (kept("a"), session("own", 10, 20));
        assert_eq!(test.store.put_with_session(&login, Some(&live_version("c0", 1)), &own).await.unwrap(), Cas::NoRow);
        assert_eq!(of_session("own").await, None);
        assert_eq!(test.store.put_with_session(&login, None, &own).await.unwrap(), Cas::Applied);
        assert_eq!((test.row("a").await, of_session("own").await), (Some(stored(&login)), Some(own.clone())));
        let other = session("other", 10, 20);
        let answer = test.store.put_with_session(&later("a"), None, &other).await.unwrap();
        assert_eq!((answer, of_session("other").await), (moved(stored(&login)), None));
        test.store.delete_session(&own.key).await.unwrap();
        assert_eq!(test.store.put_with_session(&login, None, &own).await.unwrap(), Cas::Applied, "it was put before");
        assert_eq!(of_session("own").await, None, "a logout in the meantime holds");
        let minted = minted("m", 10, 20);
        test.store.put_with_session(&minted, None, &session("m", 10, 20)).await.unwrap();
        assert_eq!(test.store.sweep(at(10)).await.unwrap(), 1);
        assert_eq!((test.row("m").await, of_session("m").await), (None, None));
    }

    async fn the_largest_generation_is_kept(test: &TestStore) {
        let row = NewRow { version: version("c1", u64::MAX), ..kept("a") };
        test.put(&row).await;
        assert_eq!(test.row("a").await, Some(stored(&row)));
        let before = NewRow { version: version("c1", u64::MAX - 1), ..kept("b") };
        test.put(&before).await;
        let after = NewRow { version: version("c1", u64::MAX), ..kept("b") };
        assert_eq!(test.store.restore(&after).await.unwrap(), Cas::Applied);
    }

    async fn a_put_replaces_only_the_version_that_its_writer_saw(test: &TestStore) {
        test.put(&kept("a")).await;
        for over in [None, Some(live_version("c1", 6)), Some(live_version("c1", 8)), Some(live_version("c0", 7))] {
            let answer = test.store.put(&later("a"), over.as_ref()).await.unwrap();
            assert_eq!(answer, moved(stored(&kept("a"))), "{over:?}");
        }
        assert_eq!(test.row("a").await, Some(stored(&kept("a"))));
        assert_eq!(test.store.put(&later("a"), Some(&live_version("c1", 7))).await.unwrap(), Cas::Applied);
        assert_eq!(test.row("a").await, Some(stored(&later("a"))));
    }

    async fn a_put_replaces_a_row_in_any_state(test: &TestStore) {
        use record::State::{Blocked, Dead, Revoking, Tombstone};
        for state in [Dead, Blocked, Revoking, Tombstone] {
            let name = format!("{state:?}");
            test.put(&NewRow { state, ..kept(&name) }).await;
            let read = RowVersion { state, ..live_version("c1", 7) };
            assert_eq!(test.store.put(&later(&name), Some(&read)).await.unwrap(), Cas::Applied);
            assert_eq!(test.row(&name).await, Some(stored(&later(&name))));
        }
    }

    async fn a_put_does_not_replace_a_row_that_was_forgotten_since_its_writer_read_it(test: &TestStore) {
        let forgotten = NewRow { state: record::State::Tombstone, ..kept("a") };
        test.put(&forgotten).await;
        let login = session("s", 10, 20);
        let answer = test.store.put_with_session(&later("a"), Some(&live_version("c1", 7)), &login).await.unwrap();
        assert_eq!(answer, moved(stored(&forgotten)));
        assert_eq!(test.store.session(&login.key).await.unwrap(), None);
    }

    async fn a_put_that_happened_before_is_done_and_changes_nothing_at_any_generation(test: &TestStore) {
        let first = kept("a");
        test.put(&first).await;
        test.claim("a", &lease("me", 30)).await;
        test.store.swap(&key("a"), &untouched(&first), &saved(8)).await.unwrap();
        let stands = test.row("a").await;
        for over in [None, Some(live_version("c0", 3)), Some(live_version("c1", 7))] {
            assert_eq!(test.store.put(&first, over.as_ref()).await.unwrap(), Cas::Applied, "{over:?}");
            assert_eq!(test.row("a").await, stands, "{over:?}");
        }
    }

    async fn a_put_takes_lease_and_attempt_away(test: &TestStore) {
        let row = kept("a");
        test.put(&row).await;
        test.claim("a", &lease("me", 30)).await;
        test.store.swap(&key("a"), &untouched(&row), &begin_attempt(&row, "me")).await.unwrap();
        assert_eq!(test.store.put(&later("a"), Some(&live_version("c1", 7))).await.unwrap(), Cas::Applied);
        assert_eq!(test.row("a").await, Some(stored(&later("a"))));
    }

    async fn a_kept_record_put_over_a_mint_record_is_not_swept_and_the_other_way_round_it_is(test: &TestStore) {
        test.put(&minted("a", 10, 20)).await;
        test.store.put(&later("a"), Some(&live_version("c1", 7))).await.unwrap();
        test.put(&kept("b")).await;
        let later_minted = NewRow { limits: minted("b", 10, 20).limits, ..later("b") };
        test.store.put(&later_minted, Some(&live_version("c1", 7))).await.unwrap();
        test.store.sweep(at(1_000)).await.unwrap();
        assert_eq!(test.row("a").await, Some(stored(&later("a"))));
        assert_eq!(test.row("b").await, None);
    }

    async fn of_many_who_put_over_one_version_at_once_one_wins(test: &TestStore) {
        test.put(&kept("a")).await;
        let answers = at_once((0..16).map(|number| {
            let store = Arc::clone(&test.store);
            let row = NewRow { version: version(&format!("login {number}"), 1), ..kept("a") };
            async move { (store.put(&row, Some(&live_version("c1", 7))).await.unwrap(), row) }
        }))
        .await;
        let winners: Vec<_> = answers.iter().filter(|(answer, _)| *answer == Cas::Applied).collect();
        assert_eq!(winners.len(), 1);
        let stands = stored(&winners[0].1);
        assert_eq!(test.row("a").await, Some(stands.clone()));
        let losers = answers.into_iter().map(|(answer, _)| answer).filter(|answer| *answer != Cas::Applied);
        assert_eq!(losers.collect::<Vec<_>>(), vec![moved(stands); 15]);
    }

    async fn a_swap_changes_what_it_is_told_and_leaves_lease_and_limits(test: &TestStore) {
        let row = minted("a", 10, 20);
        test.put(&row).await;
        test.claim("a", &lease("me", 30)).await;
        let change = Change { state: record::State::Blocked, attempt: Some(owner("other")), ..saved(9) };
        assert_eq!(test.store.swap(&row.key, &untouched(&row), &change).await.unwrap(), Cas::Applied);
        let expected = Row {
            version: version("c1", 9),
            state: record::State::Blocked,
            due: Some(at(500)),
            attempt: Some(owner("other")),
            lease: Some(lease("me", 30)),
            sealed: change.sealed.unwrap(),
            ..stored(&row)
        };
        assert_eq!(test.row("a").await, Some(expected));
    }

    async fn a_swap_without_a_blob_keeps_the_one_there_is(test: &TestStore) {
        let row = NewRow { due: Some(at(5)), ..kept("a") };
        test.put(&row).await;
        let change = Change { due: None, ..begin_attempt(&row, "me") };
        assert_eq!(test.store.swap(&row.key, &untouched(&row), &change).await.unwrap(), Cas::Applied);
        let expected = Row { due: None, attempt: Some(owner("me")), ..stored(&row) };
        assert_eq!(test.row("a").await, Some(expected));
    }

    async fn a_swap_of_anything_but_what_is_expected_changes_nothing(test: &TestStore) {
        let row = kept("a");
        test.put(&row).await;
        test.claim("a", &lease("me", 30)).await;
        test.store.swap(&key("a"), &untouched(&row), &begin_attempt(&row, "me")).await.unwrap();
        let stands = test.row("a").await.unwrap();
        let mine = Expected { attempt: Some(owner("me")), lease: Some(owner("me")), ..untouched(&row) };
        let others = [
            Expected { version: version("c1", 6), ..mine.clone() },
            Expected { version: version("c1", 8), ..mine.clone() },
            Expected { version: version("c2", 7), ..mine.clone() },
            Expected { state: record::State::Dead, ..mine.clone() },
            Expected { attempt: None, ..mine.clone() },
            Expected { attempt: Some(owner("you")), ..mine.clone() },
            Expected { lease: Some(owner("you")), ..mine.clone() },
        ];
        for other in others {
            let answer = test.store.swap(&key("a"), &other, &saved(8)).await.unwrap();
            assert_eq!(answer, moved(stands.clone()), "{other:?}");
            assert_eq!(test.row("a").await.as_ref(), Some(&stands), "{other:?}");
        }
        assert_eq!(test.store.swap(&key("a"), &mine, &saved(8)).await.unwrap(), Cas::Applied);
    }

    async fn an_attempt_is_not_expected_where_none_is_open(test: &TestStore) {
        test.put(&kept("a")).await;
        let expected = Expected { attempt: Some(owner("me")), ..untouched(&kept("a")) };
        let answer = test.store.swap(&key("a"), &expected, &saved(8)).await.unwrap();
        assert_eq!(answer, moved(stored(&kept("a"))));
    }

    async fn a_lease_is_not_expected_where_there_is_none_but_one_that_ran_out_still_counts(test: &TestStore) {
        test.put(&kept("a")).await;
        let mine = Expected { lease: Some(owner("me")), ..untouched(&kept("a")) };
        let answer = test.store.swap(&key("a"), &mine, &saved(8)).await.unwrap();
        assert_eq!(answer, moved(stored(&kept("a"))));
        test.claim("a", &lease("me", -1_000)).await;
        assert_eq!(test.store.swap(&key("a"), &mine, &saved(8)).await.unwrap(), Cas::Applied);
    }

    async fn a_repeated_save_shows_the_row_that_it_made(test: &TestStore) {
        test.put(&kept("a")).await;
        assert_eq!(test.store.swap(&key("a"), &untouched(&kept("a")), &saved(8)).await.unwrap(), Cas::Applied);
        let stands = test.row("a").await.unwrap();
        let again = test.store.swap(&key("a"), &untouched(&kept("a")), &saved(8)).await.unwrap();
        assert_eq!(again, moved(stands));
    }

    async fn of_many_who_begin_an_attempt_at_once_one_wins(test: &TestStore) {
        test.put(&kept("a")).await;
        let answers = at_once((0..16).map(|number| {
            let (store, row) = (Arc::clone(&test.store), kept("a"));
            let change = begin_attempt(&row, &number.to_string());
            async move { store.swap(&row.key, &untouched(&row), &change).await.unwrap() }
        }))
        .await;
        assert_eq!(answers.into_iter().filter(|answer| *answer == Cas::Applied).count(), 1);
    }

    async fn a_tombstone_keeps_its_row_and_only_a_put_replaces_it(test: &TestStore) {
        test.put(&kept("a")).await;
        let removal = Change { state: record::State::Tombstone, due: None, ..saved(7) };
        assert_eq!(test.store.swap(&key("a"), &untouched(&kept("a")), &removal).await.unwrap(), Cas::Applied);
        let stands = test.row("a").await.unwrap();
        test.store.sweep(at(1_000_000)).await.unwrap();
        test.store.delete_session(&key("a")).await.unwrap();
        let newer = NewRow { version: version("c1", 99), ..kept("a") };
        assert_eq!(test.store.restore(&newer).await.unwrap(), moved(stands.clone()));
        assert_eq!(test.store.put(&later("a"), None).await.unwrap(), moved(stands.clone()));
        assert_eq!(test.store.put(&later("a"), Some(&stands.head())).await.unwrap(), Cas::Applied);
    }

    async fn a_lost_row_is_restored(test: &TestStore) {
        assert_eq!(test.store.restore(&kept("a")).await.unwrap(), Cas::Applied);
        assert_eq!(test.row("a").await, Some(stored(&kept("a"))));
    }

    async fn a_row_that_fell_behind_is_restored_with_its_lease_and_without_attempt(test: &TestStore) {
        let behind = NewRow { version: version("c1", 9), due: Some(at(1)), ..kept("a") };
        test.put(&behind).await;
        test.claim("a", &lease("me", 30)).await;
        test.store.swap(&key("a"), &untouched(&behind), &begin_attempt(&behind, "other")).await.unwrap();
        let set = NewRow { version: version("c1", 10), state: record::State::Blocked, ..later("a") };
        assert_eq!(test.store.restore(&set).await.unwrap(), Cas::Applied);
        assert_eq!(test.row("a").await, Some(Row { lease: Some(lease("me", 30)), ..stored(&set) }));
    }

    async fn nothing_is_restored_over_its_equal_or_better(test: &TestStore) {
        use record::State::{Live, Revoking, Tombstone};
        let cases = [
            (version("c1", 7), Live),
            (version("c1", 10), Live),
            (version("c2", 1), Live),
            (version("c1", 1), Revoking),
            (version("c1", 1), Tombstone),
        ];
        for (number, (version, state)) in cases.into_iter().enumerate() {
            let there = NewRow { version, state, ..kept(&number.to_string()) };
            test.put(&there).await;
            let answer = test.store.restore(&kept(&there.key.0)).await.unwrap();
            assert_eq!(answer, moved(stored(&there)));
            assert_eq!(test.row(&there.key.0).await, Some(stored(&there)));
        }
    }

    async fn a_restore_that_happened_before_shows_the_row_that_it_made(test: &TestStore) {
        test.store.restore(&kept("a")).await.unwrap();
        assert_eq!(test.store.restore(&kept("a")).await.unwrap(), moved(stored(&kept("a"))));
    }

    async fn an_adopted_import_goes_to_its_owner_and_leaves_a_tombstone_without_lease(test: &TestStore) {
        let (import, own) = (pending("import"), later("owner"));
        test.put(&import).await;
        test.claim("import", &lease("me", 30)).await;
        let mine = Expected { lease: Some(owner("me")), ..untouched(&import) };
        let grave = Sealed { key_id: "ef01".to_owned(), bytes: b"grave".to_vec(), index: None };
        let adopt = async || test.store.adopt(&import.key, &mine, &grave, &own, None).await.unwrap();
        assert_eq!(adopt().await, Adoption::Applied);
        let buried = NewRow { state: record::State::Tombstone, due: None, sealed: grave.clone(), ..import.clone() };
        assert_eq!(test.row("owner").await, Some(stored(&own)));
        assert_eq!(test.row("import").await, Some(stored(&buried)));
        assert_eq!(test.store.due(at(1_000), None, 9).await.unwrap(), []);
        assert_eq!(adopt().await, Adoption::PendingConflict(Some(Box::new(stored(&buried)))), "it happened before");
    }

    async fn an_import_that_moved_is_not_adopted_and_the_owner_not_changed(test: &TestStore) {
        let (import, own) = (pending("import"), later("owner"));
        let (expected, grave) = (untouched(&import), sealed("grave"));
        let adopt = async || test.store.adopt(&import.key, &expected, &grave, &own, None).await;
        assert_eq!(adopt().await.unwrap(), Adoption::PendingConflict(None));
        test.put(&import).await;
        test.store.swap(&key("import"), &untouched(&import), &begin_attempt(&import, "you")).await.unwrap();
        let stands = test.row("import").await.unwrap();
        assert_eq!(adopt().await.unwrap(), Adoption::PendingConflict(Some(Box::new(stands.clone()))));
        assert_eq!(test.row("owner").await, None);
        assert_eq!(test.row("import").await, Some(stands));
    }

    async fn an_owner_that_moved_keeps_the_import_pending(test: &TestStore) {
        let (import, own) = (pending("import"), later("owner"));
        test.put(&import).await;
        let (expected, grave, seen) = (untouched(&import), sealed("grave"), live_version("c1", 7));
        let adopt = async |over| test.store.adopt(&import.key, &expected, &grave, &own, over).await.unwrap();
        assert_eq!(adopt(Some(&seen)).await, Adoption::OwnerConflict(None));
        test.put(&kept("owner")).await;
        assert_eq!(adopt(None).await, Adoption::OwnerConflict(Some(Box::new(stored(&kept("owner"))))));
        assert_eq!(test.row("import").await, Some(stored(&import)));
        assert_eq!(test.row("owner").await, Some(stored(&kept("owner"))));
        assert_eq!(adopt(Some(&seen)).await, Adoption::Applied);
    }
}
