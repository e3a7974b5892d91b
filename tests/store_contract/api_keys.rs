//! API keys, in every backend.

use super::*;

pub fn api_key(name: &str, hash: u8) -> ApiKeyRow {
    ApiKeyRow { name: name.to_owned(), hash: [hash; 32], sealed: sealed("rights"), last_used: None }
}

contract! {
    async fn api_keys_are_listed_by_name_as_they_were_added(test: &TestStore) {
        assert_eq!(test.store.api_keys().await.unwrap(), []);
        let rows = [api_key("b", 2), api_key("A.z-_9", 1), api_key("a", 3)];
        for row in &rows {
            assert_eq!(test.store.add_api_key(row).await.unwrap(), InsertOutcome::Inserted);
        }
        let [b, capital, a] = rows;
        assert_eq!(test.second().await.api_keys().await.unwrap(), [capital, a, b]);
    }

    async fn a_taken_name_is_reported_and_its_key_not_changed(test: &TestStore) {
        test.store.add_api_key(&api_key("a", 1)).await.unwrap();
        test.store.note_api_key_used("a", &[1; 32], at(60)).await.unwrap();
        assert_eq!(test.store.add_api_key(&api_key("a", 2)).await.unwrap(), InsertOutcome::KeyTaken);
        let first = ApiKeyRow { last_used: Some(at(60)), ..api_key("a", 1) };
        assert_eq!(test.store.api_keys().await.unwrap(), [first]);
    }

    async fn of_many_who_add_one_name_at_once_one_wins(test: &TestStore) {
        let calls = (0..16).map(|hash| {
            let store = Arc::clone(&test.store);
            async move { (store.add_api_key(&api_key("a", hash)).await.unwrap(), hash) }
        });
        let added = at_once(calls).await;
        let winners: Vec<_> = added.iter().filter(|(created, _)| *created == InsertOutcome::Inserted).collect();
        let [(_, hash)] = winners[..] else { panic!("{winners:?}") };
        assert_eq!(test.store.api_keys().await.unwrap(), [api_key("a", *hash)]);
    }

    async fn a_removed_key_is_gone_with_its_last_use_and_its_name_is_free(test: &TestStore) {
        test.store.add_api_key(&api_key("a", 1)).await.unwrap();
        test.store.add_api_key(&api_key("b", 2)).await.unwrap();
        test.store.note_api_key_used("a", &[1; 32], at(60)).await.unwrap();
        assert_eq!(test.store.remove_api_key("a").await.unwrap(), UpdateOutcome::Updated);
        assert_eq!(test.store.remove_api_key("a").await.unwrap(), UpdateOutcome::NoRow);
        assert_eq!(test.store.api_keys().await.unwrap(), [api_key("b", 2)]);
        assert_eq!(test.store.add_api_key(&api_key("a", 3)).await.unwrap(), InsertOutcome::Inserted);
        assert_eq!(test.store.api_keys().await.unwrap(), [api_key("a", 3), api_key("b", 2)]);
    }

    async fn a_use_is_noted_and_that_of_a_removed_key_is_not(test: &TestStore) {
        test.store.add_api_key(&api_key("a", 1)).await.unwrap();
        for seconds in [60, 120] {
            assert_eq!(test.store.note_api_key_used("a", &[1; 32], at(seconds)).await.unwrap(), UpdateOutcome::Updated);
            assert_eq!(test.store.api_keys().await.unwrap()[0].last_used, Some(at(seconds)));
        }
        assert_eq!(test.store.note_api_key_used("a", &[2; 32], at(180)).await.unwrap(), UpdateOutcome::NoRow);
        assert_eq!(test.store.note_api_key_used("b", &[1; 32], at(180)).await.unwrap(), UpdateOutcome::NoRow);
        let expected = ApiKeyRow { last_used: Some(at(120)), ..api_key("a", 1) };
        assert_eq!(test.store.api_keys().await.unwrap(), [expected]);
    }

    async fn rights_are_replaced_for_the_same_key_only(test: &TestStore) {
        test.store.add_api_key(&api_key("a", 1)).await.unwrap();
        let new = Sealed { key_id: "ef01".to_owned(), bytes: vec![0, 255, b'.'], index: None };
        assert_eq!(test.store.reseal_api_key("a", &[2; 32], &new).await.unwrap(), UpdateOutcome::NoRow);
        assert_eq!(test.store.api_keys().await.unwrap(), [api_key("a", 1)]);
        assert_eq!(test.store.reseal_api_key("a", &[1; 32], &new).await.unwrap(), UpdateOutcome::Updated);
        assert_eq!(test.store.api_keys().await.unwrap(), [ApiKeyRow { sealed: new, ..api_key("a", 1) }]);
    }
}
