//! Stores that an earlier version of the program has filled, and may still be writing to.

use super::{
    api_keys::api_key,
    index::{indexed, name},
    *,
};

const V1: &str = include_str!("../../src/store/sqlite/v1.sql");
const V2: &str = include_str!("../../src/store/sqlite/v2.sql");
const V3: &str = include_str!("../../src/store/sqlite/v3.sql");

/// Creates a file with the schema of these steps, two kept records and a mint record.
fn file_of(folder: &TempDir, version: u32, steps: &str) {
    sql(
        folder,
        &format!(
            "PRAGMA journal_mode = wal; {steps};
             PRAGMA application_id = {}; PRAGMA user_version = {version};
             {}; {}; {};",
            0x7661_736b,
            replaced("a", "NULL"),
            replaced("b", "NULL"),
            replaced("mint", "1000000010000"),
        ),
    );
}

/// The statement by which schema versions 1 to 3 write a record like those of `kept` and `minted`.
fn replaced(key: &str, limit: &str) -> String {
    format!(
        "INSERT OR REPLACE INTO records (key, connection_id, generation, state, idle, absolute, key_id, sealed)
         VALUES ('{key}', 'c1', 7, 'live', {limit}, {limit}, 'abcd', CAST('sealed tokens' AS BLOB))"
    )
}

fn index_of(row: &str) -> NewIndex {
    NewIndex { key: key(row), version: version("c1", 7), index: indexed(row, "new", row).sealed.index.unwrap() }
}

async fn counted(store: &dyn Store) -> (Vec<(String, u64)>, u64) {
    let RowCounts { groups, unindexed } = store.counts().await.unwrap();
    (groups.into_iter().map(|group| (group.label, group.rows)).collect(), unindexed)
}

#[tokio::test]
async fn a_file_of_each_earlier_version_is_migrated_keeps_its_rows_and_can_be_indexed() {
    for (version, steps) in [(1, V1.to_owned()), (2, [V1, V2].concat()), (3, [V1, V2, V3].concat())] {
        let folder = TempDir::new().unwrap();
        file_of(&folder, version, &steps);
        let opened = open(&file_in(&folder), IfMissing::Refuse).await.unwrap();
        assert_eq!(opened.origin, StoreOrigin::Existing);
        let store = opened.store;
        assert_eq!(store.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))));
        assert_eq!(counted(&*store).await, (vec![], 2));
        store.reindex(&[index_of("a"), index_of("b")]).await.unwrap();
        assert_eq!(counted(&*store).await, (vec![("new".to_owned(), 2)], 0));
        assert_eq!(store.find(&[name("b")]).await.unwrap().len(), 1);
        assert_eq!(store.add_api_key(&api_key("a", 1)).await.unwrap(), InsertOutcome::Inserted);
        assert_eq!(store.swap_notification(&key("a"), 0, "{}").await.unwrap(), NotificationSwap::Applied);
    }
}

#[tokio::test]
async fn what_an_earlier_program_still_writes_to_a_file_is_counted_as_unindexed() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    for row in [indexed("a", "new", "a"), indexed("b", "new", "b"), kept("c")] {
        store.put(&row, None).await.unwrap();
    }
    for row in ["a", "c", "d"] {
        sql(&folder, &replaced(row, "NULL"));
    }
    assert_eq!(counted(&*store).await, (vec![("new".to_owned(), 1)], 3));
    assert_eq!(store.find(&[name("a")]).await.unwrap(), []);
    sql(&folder, "UPDATE records SET state = 'dead', generation = 7 WHERE key = 'b'");
    let RowCounts { groups, .. } = store.counts().await.unwrap();
    assert_eq!((groups[0].state, groups[0].rows), (record::State::Dead, 1));
    sql(&folder, &replaced("b", "1000000010000"));
    assert_eq!(counted(&*store).await, (vec![], 3));
    sql(&folder, "DELETE FROM records WHERE idle IS NOT NULL");
    assert_eq!(counted(&*store).await, (vec![], 3));
}

/// Writes a record as version 1 does: its fields and its entries in two sorted sets, without an index.
fn written_by_version_1(server: &Redis, row: &str, state: &str) {
    let fields = format!("connection_id c1 generation 7 state {state} key_id abcd sealed tokens");
    server.raw(&format!("HSET {{videoask-auth}}:record:{row} {fields}"));
    server.raw(&format!("ZADD {{videoask-auth}}:kept 0 {row}"));
    server.raw(&format!("ZADD {{videoask-auth}}:sealed 0 abcd:{row}"));
}

#[tokio::test]
async fn records_of_an_earlier_version_in_redis_can_be_indexed() {
    let server = Redis::start();
    server.raw("SET {videoask-auth}:schema 1");
    for row in ["a", "b"] {
        written_by_version_1(&server, row, "live");
    }
    let opened = open(&server.url(None), IfMissing::Refuse).await.unwrap();
    assert_eq!(opened.origin, StoreOrigin::Existing);
    let store = opened.store;
    assert_eq!(counted(&*store).await, (vec![], 2));
    store.reindex(&[index_of("a"), index_of("b")]).await.unwrap();
    assert_eq!(counted(&*store).await, (vec![("new".to_owned(), 2)], 0));
    assert_eq!(store.find(&[name("b")]).await.unwrap().len(), 1);
}

/// The group keeps the earlier state until this program writes the row. The number of rows is always right.
#[tokio::test]
async fn what_an_earlier_program_still_writes_to_redis_is_counted_right_after_the_next_write() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    store.put(&indexed("a", "new", "a"), None).await.unwrap();
    written_by_version_1(&server, "a", "blocked");
    written_by_version_1(&server, "b", "live");
    assert_eq!(counted(&*store).await, (vec![("new".to_owned(), 1)], 1));
    store.reindex(&[index_of("a"), index_of("b")]).await.unwrap();
    let mut groups = store.counts().await.unwrap().groups;
    groups.sort_by_key(|group| group.state == record::State::Live);
    let groups: Vec<_> = groups.into_iter().map(|group| (group.state, group.rows)).collect();
    assert_eq!(groups, [(record::State::Blocked, 1), (record::State::Live, 1)]);
}
