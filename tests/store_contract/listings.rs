//! Listings, in every backend: what is due, what is kept, and what was sealed with another key.

use super::*;

fn due_at(name: &str, seconds: i64) -> NewRow {
    NewRow { due: Some(at(seconds)), ..kept(name) }
}

fn sealed_by(name: &str, key_id: &str) -> NewRow {
    NewRow { sealed: Sealed { key_id: key_id.to_owned(), bytes: Vec::new(), index: None }, ..kept(name) }
}

/// Swaps in another due time and, if one is given, another blob.
async fn change(test: &TestStore, name: &str, due: Option<OffsetDateTime>, sealed: Option<Sealed>) {
    let row = kept(name);
    let change = Change { due, attempt: None, sealed, ..begin_attempt(&row, "me") };
    assert_eq!(test.store.swap(&row.key, &untouched(&row), &change).await.unwrap(), Cas::Applied);
}

/// All that is due, in pages. Each page starts after the last entry of the previous one.
async fn due_in_pages(test: &TestStore, now: i64, limit: u32) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = test.store.due(at(now), after.as_ref(), limit).await.unwrap();
        let Some(last) = page.last() else { return pages };
        after = Some(last.clone());
        pages.push(page.into_iter().map(|(_, key)| key.0).collect());
    }
}

async fn listed(test: &TestStore, after: Option<&str>, limit: u32) -> Vec<String> {
    let after = after.map(key);
    let rows = test.store.list(Page { after: after.as_ref(), limit }).await.unwrap();
    rows.into_iter().map(|row| row.key.0).collect()
}

async fn sealed_by_other_keys(test: &TestStore, key_id: &str, after: Option<&str>, limit: u32) -> Vec<String> {
    let after = after.map(key);
    let page = Page { after: after.as_ref(), limit };
    let keys = test.store.sealed_by_other_keys(&key_id.to_owned(), page).await.unwrap();
    keys.into_iter().map(|key| key.0).collect()
}

contract! {
    async fn an_empty_store_lists_nothing(test: &TestStore) {
        assert_eq!(test.store.due(at(1_000), None, 10).await.unwrap(), []);
        assert_eq!(test.store.list(Page { after: None, limit: 10 }).await.unwrap(), []);
        assert_eq!(sealed_by_other_keys(test, "abcd", None, 10).await, [""; 0]);
    }

    async fn due_is_what_is_due_by_now_with_its_time_and_earliest_first(test: &TestStore) {
        for row in [due_at("now", 10), due_at("later", 11), kept("never"), due_at("first", -3_000_000_000)] {
            test.put(&row).await;
        }
        let expected = [(at(-3_000_000_000), key("first")), (at(10), key("now"))];
        assert_eq!(test.store.due(at(10), None, 10).await.unwrap(), expected);
    }

    async fn what_is_due_at_one_moment_is_paged_by_key(test: &TestStore) {
        for row in [due_at("c", 5), due_at("a", 5), due_at("d", 5), due_at("b", 5), due_at("z", 4), due_at("0", 6)] {
            test.put(&row).await;
        }
        assert_eq!(due_in_pages(test, 10, 2).await, [["z", "a"], ["b", "c"], ["d", "0"]]);
        assert_eq!(due_in_pages(test, 10, 5).await, [vec!["z", "a", "b", "c", "d"], vec!["0"]]);
        assert_eq!(due_in_pages(test, 5, 100).await, [["z", "a", "b", "c", "d"]]);
    }

    async fn a_page_of_what_is_due_goes_on_where_the_last_key_was_even_if_it_has_gone(test: &TestStore) {
        for row in [due_at("a", 5), due_at("b", 5), due_at("c", 5)] {
            test.put(&row).await;
        }
        change(test, "b", Some(at(900)), None).await;
        let after = (at(5), key("b"));
        assert_eq!(test.store.due(at(10), Some(&after), 10).await.unwrap(), [(at(5), key("c"))]);
    }

    async fn a_row_is_due_when_it_was_last_said_to_be(test: &TestStore) {
        test.put(&due_at("a", 5)).await;
        change(test, "a", Some(at(20)), None).await;
        assert_eq!(due_in_pages(test, 19, 10).await, [[""; 0]; 0]);
        assert_eq!(due_in_pages(test, 20, 10).await, [["a"]]);
        change(test, "a", None, None).await;
        assert_eq!(due_in_pages(test, 1_000, 10).await, [[""; 0]; 0]);
        test.store.put(&NewRow { version: version("c2", 1), ..due_at("a", 7) }, Some(&live_version("c1", 7))).await.unwrap();
        test.store.restore(&NewRow { version: version("c2", 2), ..due_at("a", 8) }).await.unwrap();
        assert_eq!(test.store.due(at(10), None, 10).await.unwrap(), [(at(8), key("a"))]);
    }

    async fn a_mint_record_that_was_due_ends_with_its_session(test: &TestStore) {
        for name in ["deleted", "swept"] {
            test.store.create_session(&session(name, 10, 20)).await.unwrap();
            test.put(&NewRow { due: Some(at(5)), ..minted(name, 10, 20) }).await;
        }
        test.store.delete_session(&key("deleted")).await.unwrap();
        assert_eq!(due_in_pages(test, 5, 10).await, [["swept"]]);
        test.store.sweep(at(10)).await.unwrap();
        assert_eq!(due_in_pages(test, 5, 10).await, [[""; 0]; 0]);
    }

    async fn kept_rows_are_listed_by_key_in_pages_and_mint_records_are_not(test: &TestStore) {
        for row in [kept("b"), kept("a"), kept(""), minted("ab", 10, 20), kept("c"), kept("é")] {
            test.put(&row).await;
        }
        assert_eq!(listed(test, None, 2).await, ["", "a"]);
        assert_eq!(listed(test, Some(""), 2).await, ["a", "b"]);
        assert_eq!(listed(test, Some("b"), 9).await, ["c", "é"]);
        assert_eq!(listed(test, Some("bb"), 1).await, ["c"], "after a key that is not there");
        assert_eq!(listed(test, Some("é"), 9).await, [""; 0]);
    }

    async fn a_listed_row_is_the_row_tombstones_too(test: &TestStore) {
        let tombstone = NewRow { state: record::State::Tombstone, ..kept("b") };
        test.put(&due_at("a", 5)).await;
        test.put(&tombstone).await;
        test.claim("a", &lease("me", 30)).await;
        let rows = test.store.list(Page { after: None, limit: 9 }).await.unwrap();
        assert_eq!(rows, [test.row("a").await.unwrap(), stored(&tombstone)]);
    }

    async fn a_row_put_over_with_or_without_limits_is_listed_by_what_it_is_now(test: &TestStore) {
        test.put(&kept("a")).await;
        let minted = NewRow { version: version("c2", 1), ..minted("a", 10, 20) };
        test.store.put(&minted, Some(&live_version("c1", 7))).await.unwrap();
        assert_eq!(listed(test, None, 9).await, [""; 0]);
        test.store.put(&kept("a"), Some(&live_version("c2", 1))).await.unwrap();
        assert_eq!(listed(test, None, 9).await, ["a"]);
    }

    async fn what_others_sealed_is_listed_by_key_in_full_pages(test: &TestStore) {
        for (name, key_id) in [("a", "01"), ("b", "02"), ("c", "03"), ("d", "01"), ("e", "02"), ("", "03")] {
            test.put(&sealed_by(name, key_id)).await;
        }
        assert_eq!(sealed_by_other_keys(test, "02", None, 2).await, ["", "a"]);
        assert_eq!(sealed_by_other_keys(test, "02", Some(""), 2).await, ["a", "c"]);
        assert_eq!(sealed_by_other_keys(test, "02", Some("a"), 9).await, ["c", "d"]);
        assert_eq!(sealed_by_other_keys(test, "04", None, 9).await, ["", "a", "b", "c", "d", "e"]);
    }

    async fn what_others_sealed_follows_what_is_sealed_anew(test: &TestStore) {
        for (name, key_id) in [("a", "01"), ("b", "0102"), ("c", "01")] {
            test.put(&sealed_by(name, key_id)).await;
        }
        test.put(&minted("mint", 10, 20)).await;
        assert_eq!(sealed_by_other_keys(test, "0102", None, 9).await, ["a", "c"]);
        change(test, "b", None, Some(Sealed { key_id: "01".to_owned(), bytes: Vec::new(), index: None })).await;
        assert_eq!(sealed_by_other_keys(test, "01", None, 9).await, [""; 0]);
    }

    async fn a_key_may_hold_any_character_in_listings_too(test: &TestStore) {
        let mut names = ["", " ", "a:b", "*", "a'; DROP TABLE records; --", "a\r\nb", "\u{0}", "{a}", "é\u{1f511}"];
        for name in names {
            test.put(&due_at(name, 5)).await;
        }
        names.sort_unstable();
        assert_eq!(listed(test, None, 99).await, names);
        assert_eq!(due_in_pages(test, 5, 99).await, [names]);
        assert_eq!(due_in_pages(test, 5, 1).await.concat(), names);
        assert_eq!(sealed_by_other_keys(test, "other", None, 99).await, names);
    }
}
