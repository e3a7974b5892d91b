//! The index, by which records are found and counted, in every backend.

use super::*;

/// Stands for the hash of a name. No store knows the name itself.
pub fn name(name: &str) -> NameHash {
    let mut hash = [0; 16];
    hash[..name.len()].copy_from_slice(name.as_bytes());
    NameHash(hash)
}

/// A record with this label, and with the same name for e-mail and id.
pub fn indexed(key: &str, label: &str, user: &str) -> NewRow {
    let names = Names { user_id: Some(name(user)), sub: None, email: Some(name(user)) };
    let index = Index { label: label.to_owned(), login_end: None, names };
    NewRow { sealed: Sealed { index: Some(index), ..sealed("sealed tokens") }, ..kept(key) }
}

async fn found(test: &TestStore, names: &[&str]) -> Vec<String> {
    let names: Vec<_> = names.iter().map(|text| name(text)).collect();
    let mut keys: Vec<_> = test.store.find(&names).await.unwrap().into_iter().map(|row| row.key.0).collect();
    keys.sort_unstable();
    keys
}

/// The state, label and number of rows of each group, sorted by the label; and how many rows have no index.
async fn counts(test: &TestStore) -> (Vec<(record::State, String, u64)>, u64) {
    let RowCounts { groups, unindexed } = test.store.counts().await.unwrap();
    let mut groups: Vec<_> = groups.into_iter().map(|group| (group.state, group.label, group.rows)).collect();
    groups.sort_unstable_by(|one, other| one.1.cmp(&other.1).then(one.2.cmp(&other.2)));
    (groups, unindexed)
}

fn live(label: &str, rows: u64) -> (record::State, String, u64) {
    (record::State::Live, label.to_owned(), rows)
}

async fn swap(test: &TestStore, row: &NewRow, change: impl FnOnce(&mut Change)) {
    let NewRow { key, version, state, due, .. } = row.clone();
    let mut to = Change { generation: version.generation, state, due, attempt: None, sealed: None };
    change(&mut to);
    let expected = Expected { version, state, attempt: None, lease: None };
    assert_eq!(test.store.swap(&key, &expected, &to).await.unwrap(), Cas::Applied);
}

contract! {
    async fn a_row_is_found_whole_by_each_of_its_names_and_once(test: &TestStore) {
        let names = Names { user_id: Some(name("id")), sub: Some(name("sub")), email: Some(name("mail")) };
        let index = Index { label: "usable.12".to_owned(), login_end: Some(at(99)), names };
        let row = NewRow { sealed: Sealed { index: Some(index), ..sealed("tokens") }, ..kept("user:a") };
        test.put(&row).await;
        test.put(&indexed("b", "usable.12", "other")).await;
        for one in ["id", "sub", "mail"] {
            assert_eq!(test.store.find(&[name(one)]).await.unwrap(), [stored(&row)], "{one}");
        }
        assert_eq!(found(test, &["id", "mail", "sub", "id"]).await, ["user:a"]);
        assert_eq!(found(test, &["other", "sub"]).await, ["b", "user:a"]);
        assert_eq!(found(test, &["nobody"]).await, [""; 0]);
        assert_eq!(found(test, &[]).await, [""; 0]);
    }

    async fn a_name_of_several_rows_finds_them_all(test: &TestStore) {
        for key in ["", "b:c", "é", "a"] {
            test.put(&indexed(key, "l", "shared")).await;
        }
        assert_eq!(found(test, &["shared"]).await, ["", "a", "b:c", "é"]);
    }

    async fn a_row_is_found_by_the_names_it_has_now(test: &TestStore) {
        let (old, new) = (indexed("a", "l", "old"), indexed("a", "l", "new"));
        test.put(&old).await;
        swap(test, &old, |change| change.state = record::State::Blocked).await;
        assert_eq!(found(test, &["old"]).await, ["a"], "a change without a blob keeps the index");
        let blocked = NewRow { state: record::State::Blocked, ..old.clone() };
        swap(test, &blocked, |change| change.sealed = Some(new.sealed.clone())).await;
        assert_eq!((found(test, &["old"]).await, found(test, &["new"]).await), (vec![], vec!["a".to_owned()]));
        let login = NewRow { version: version("c2", 1), ..indexed("a", "l", "third") };
        let blocked = RowVersion { state: record::State::Blocked, ..live_version("c1", 7) };
        assert_eq!(test.store.put(&login, Some(&blocked)).await.unwrap(), Cas::Applied);
        assert_eq!((found(test, &["new"]).await, found(test, &["third"]).await), (vec![], vec!["a".to_owned()]));
        swap(test, &login, |change| change.sealed = Some(sealed("no index"))).await;
        assert_eq!(found(test, &["third"]).await, [""; 0]);
    }

    async fn both_rows_of_an_adoption_are_found_by_their_own_names(test: &TestStore) {
        let import = NewRow { state: record::State::Pending, ..indexed("import", "import", "pending") };
        test.put(&import).await;
        let expected = Expected { version: import.version, state: import.state, attempt: None, lease: None };
        let (grave, owner) = (indexed("g", "import", "grave"), indexed("owner", "usable.1", "owner"));
        let owner = NewRow { version: version("c2", 1), ..owner };
        let adopted = test.store.adopt(&key("import"), &expected, &grave.sealed, &owner, None).await.unwrap();
        assert_eq!(adopted, Adoption::Applied);
        assert_eq!(found(test, &["pending"]).await, [""; 0]);
        assert_eq!((found(test, &["grave"]).await, found(test, &["owner"]).await), (vec!["import".into()], vec!["owner".into()]));
        let tombstone = (record::State::Tombstone, "import".to_owned(), 1);
        assert_eq!(counts(test).await, (vec![tombstone, live("usable.1", 1)], 0));
    }

    async fn a_mint_record_is_neither_found_nor_counted(test: &TestStore) {
        test.put(&NewRow { limits: minted("a", 10, 20).limits, ..indexed("a", "l", "mint") }).await;
        test.put(&minted("b", 10, 20)).await;
        assert_eq!(found(test, &["mint"]).await, [""; 0]);
        assert_eq!(counts(test).await, (vec![], 0));
        let kept_over = NewRow { version: version("c2", 1), ..indexed("a", "l", "mint") };
        test.store.put(&kept_over, Some(&live_version("c1", 7))).await.unwrap();
        assert_eq!((found(test, &["mint"]).await, counts(test).await), (vec!["a".to_owned()], (vec![live("l", 1)], 0)));
        let minted_over = NewRow { version: version("c3", 1), limits: minted("a", 10, 20).limits, ..indexed("a", "l", "mint") };
        test.store.put(&minted_over, Some(&live_version("c2", 1))).await.unwrap();
        assert_eq!((found(test, &["mint"]).await, counts(test).await), (vec![], (vec![], 0)));
    }

    async fn counts_follow_every_step(test: &TestStore) {
        assert_eq!(counts(test).await, (vec![], 0));
        let row = indexed("a", "usable.1", "a");
        test.put(&row).await;
        test.put(&indexed("b", "usable.1", "b")).await;
        test.put(&kept("c")).await;
        assert_eq!(counts(test).await, (vec![live("usable.1", 2)], 1));
        swap(test, &row, |change| change.state = record::State::Dead).await;
        let dead = (record::State::Dead, "usable.1".to_owned(), 1);
        assert_eq!(counts(test).await, (vec![dead.clone(), live("usable.1", 1)], 1));
        let login = NewRow { version: version("c2", 1), ..indexed("a", "not-allowed.1", "a") };
        let dead = RowVersion { state: record::State::Dead, ..live_version("c1", 7) };
        assert_eq!(test.store.put(&login, Some(&dead)).await.unwrap(), Cas::Applied);
        assert_eq!(counts(test).await, (vec![live("not-allowed.1", 1), live("usable.1", 1)], 1));
        assert_eq!(test.store.put(&login, Some(&dead)).await.unwrap(), Cas::Applied, "it was put before");
        test.store.restore(&NewRow { version: version("c1", 8), ..indexed("b", "usable.2", "b") }).await.unwrap();
        test.store.restore(&indexed("d", "usable.2", "d")).await.unwrap();
        assert_eq!(counts(test).await, (vec![live("not-allowed.1", 1), live("usable.2", 2)], 1));
        test.claim("a", &lease("me", 30)).await;
        test.store.release(&key("a"), &owner("me")).await.unwrap();
        assert_eq!(counts(test).await, (vec![live("not-allowed.1", 1), live("usable.2", 2)], 1));
    }

    async fn a_group_tells_its_secret_and_when_its_first_row_is_due_and_its_first_login_ends(test: &TestStore) {
        for (name, due) in [("a", Some(at(9))), ("b", None), ("c", Some(at(5)))] {
            let mut row = NewRow { due, ..indexed(name, "usable.1", name) };
            row.sealed.index.as_mut().unwrap().login_end = (name != "c").then(|| at(if name == "a" { 50 } else { -7 }));
            test.put(&row).await;
        }
        let mut other = NewRow { due: Some(at(1)), ..indexed("d", "usable.1", "d") };
        "0102".clone_into(&mut other.sealed.key_id);
        test.put(&other).await;
        test.put(&NewRow { due: Some(at(2)), ..kept("unindexed") }).await;
        let group = |key_id: &str, rows, due, login_end: Option<i64>| RowGroup {
            key_id: key_id.to_owned(),
            state: record::State::Live,
            label: "usable.1".to_owned(),
            rows,
            due,
            login_end: login_end.map(at),
        };
        let mut groups = test.store.counts().await.unwrap().groups;
        groups.sort_by(|one, other| one.key_id.cmp(&other.key_id));
        assert_eq!(groups, [group("0102", 1, Some(at(1)), None), group("abcd", 3, Some(at(5)), Some(-7))]);
        swap(test, &NewRow { due: Some(at(5)), ..indexed("c", "usable.1", "c") }, |change| change.due = None).await;
        swap(test, &NewRow { due: Some(at(9)), ..indexed("a", "usable.1", "a") }, |change| change.due = None).await;
        let group = |group: &RowGroup| group.key_id == "abcd";
        let group = test.store.counts().await.unwrap().groups.into_iter().find(group).unwrap();
        assert_eq!((group.due, group.login_end), (None, Some(at(-7))));
    }

    async fn an_index_is_given_to_the_version_it_was_made_of_alone(test: &TestStore) {
        for row in [kept("a"), kept("moved"), minted("mint", 10, 20), indexed("b", "old", "old")] {
            test.put(&row).await;
        }
        let given = |row: &str, generation| {
            let index = indexed(row, "new", row).sealed.index.unwrap();
            NewIndex { key: key(row), version: version("c1", generation), index }
        };
        let rows = [given("a", 7), given("moved", 6), given("mint", 7), given("nowhere", 7), given("b", 7)];
        test.store.reindex(&rows).await.unwrap();
        assert_eq!(found(test, &["a", "moved", "mint", "nowhere", "b", "old"]).await, ["a", "b"]);
        assert_eq!(test.row("a").await, Some(stored(&indexed("a", "new", "a"))).map(|row| Row { key: key("a"), ..row }));
        assert_eq!(test.row("nowhere").await, None);
        assert_eq!(counts(test).await, (vec![live("new", 2)], 1));
        test.store.reindex(&[]).await.unwrap();
    }
}
