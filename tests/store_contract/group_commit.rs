//! Writes to a SQLite file that wait at the same time share a transaction.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use rusqlite::TransactionBehavior;

use super::*;

const FILE: &str = "STORE_CONTRACT_CRASHING_FILE";

/// Puts all of these, each with a session, while another connection has the file locked, so that they wait together.
async fn put_together(folder: &TempDir, store: &Arc<dyn Store>, names: &[&str]) -> Vec<Result<Cas, StoreError>> {
    let mut other = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let lock = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let puts: Vec<_> = names
        .iter()
        .map(|name| {
            let (store, row, session) = (Arc::clone(store), kept(name), session(name, 10, 20));
            tokio::spawn(async move { store.put_with_session(&row, None, &session).await })
        })
        .collect();
    // Lets each task run until it waits for its answer.
    tokio::task::yield_now().await;
    drop(lock);
    let mut answers = Vec::new();
    for put in puts {
        answers.push(put.await.unwrap());
    }
    answers
}

/// How many commits are in the write-ahead log. Only the last frame of a commit has the size of the database.
fn commits(folder: &TempDir) -> usize {
    let log = std::fs::read(folder.path().join("store.db-wal")).unwrap();
    let (header, frames) = log.split_at(32);
    let is_current = |frame: &&[u8]| frame[8..16] == header[16..24];
    frames.chunks_exact(24 + 4096).filter(is_current).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn what_waits_is_committed_at_once() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    store.put(&kept("before"), None).await.unwrap();
    let before = commits(&folder);
    let names: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let answers = put_together(&folder, &store, &names).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Cas::Applied))), "{answers:?}");
    let new = commits(&folder) - before;
    assert!((1..=2).contains(&new), "those that arrived before the first had started, and the rest: {new}");
    for name in names {
        assert_eq!(there(&store, name).await, (true, true));
    }
}

/// Whether the record of this name is there, and whether the session is.
async fn there(store: &Arc<dyn Store>, name: &str) -> (bool, bool) {
    let (record, session) = (store.read(&key(name)).await.unwrap(), store.session(&key(name)).await.unwrap());
    (record.is_some(), session.is_some())
}

#[tokio::test]
async fn one_that_fails_takes_no_neighbour_with_it() {
    for (action, table) in
        [("ABORT", "records"), ("ROLLBACK", "records"), ("ABORT", "sessions"), ("ROLLBACK", "sessions")]
    {
        let folder = TempDir::new().unwrap();
        let store = created(&file_in(&folder)).await;
        let refuse = format!(
            "CREATE TRIGGER refuse AFTER INSERT ON {table} WHEN NEW.key = 'bad' BEGIN SELECT RAISE({action}, 'no'); END"
        );
        sql(&folder, &refuse);
        let names = ["a", "b", "bad", "c", "bad", "d"];
        let answers = put_together(&folder, &store, &names).await;
        for (name, answer) in names.into_iter().zip(answers) {
            let good = name != "bad";
            assert_eq!(answer.is_ok(), good, "{action} {table} {name}: {answer:?}");
            assert_eq!(there(&store, name).await, (good, good), "{action} {table} {name}");
        }
        assert_eq!(store.counts().await.unwrap().unindexed, 4, "{action} {table}");
    }
}

#[tokio::test]
async fn a_swap_sees_what_was_swapped_before_it_in_the_same_transaction() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    let answers = put_together(&folder, &store, &["a", "a", "a"]).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(Cas::Applied))), "the same login is put once: {answers:?}");
    let login = |number: usize| NewRow { version: version(&format!("login {number}"), 1), ..kept("a") };
    let store = &store;
    let answers = at_once((0..8).map(|number| {
        let store = Arc::clone(store);
        async move { store.put(&login(number), Some(&live_version("c1", 7))).await.unwrap() }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| **answer == Cas::Applied).count(), 1);
}

/// Every write that was answered is there after a crash. A write that was committed and not answered may be put again.
/// No record is there without its session, and no session without its record.
#[tokio::test]
async fn that_crashes_has_what_it_answered() {
    for _ in 0..3 {
        let folder = TempDir::new().unwrap();
        drop(created(&file_in(&folder)).await);
        let answered = answered_before_crash(&folder);
        let store = open(&file_in(&folder), IfMissing::Refuse).await.unwrap().store;
        let rows = store.list(Page { after: None, limit: 1_000_000 }).await.unwrap();
        let there: BTreeSet<_> = rows.into_iter().map(|row| row.key.0).collect();
        assert!(answered.is_subset(&there), "lost: {:?}", answered.difference(&there).collect::<Vec<_>>());
        for name in &there {
            assert!(store.session(&key(name)).await.unwrap().is_some(), "{name}");
        }
        assert_eq!(store.sweep(at(10)).await.unwrap(), there.len() as u64);
        for name in there.difference(&answered) {
            assert_eq!(store.put(&kept(name), None).await.unwrap(), Cas::Applied, "it is there already");
        }
        assert_eq!(store.counts().await.unwrap().unindexed, there.len() as u64);
    }
}

/// The keys of the writes that were answered in a process, which is killed while it writes.
fn answered_before_crash(folder: &TempDir) -> BTreeSet<String> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["group_commit::crashing_half", "--exact", "--ignored", "--nocapture"])
        .env(FILE, folder.path().join("store.db"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut answered = BTreeSet::new();
    for line in lines {
        let line = line.unwrap();
        // The kill may have cut off the last line.
        if let Some(name) = line.strip_prefix("answered ").and_then(|line| line.strip_suffix('.')) {
            answered.insert(name.to_owned());
        }
        if answered.len() == 60 {
            process.kill().unwrap();
        }
    }
    process.wait().unwrap();
    assert!(answered.len() >= 60, "{answered:?}");
    answered
}

#[tokio::test]
#[ignore = "the half that is killed, started by the test above"]
#[expect(clippy::disallowed_methods, reason = "the other half says which file")]
async fn crashing_half() {
    let file = StoreUrl::Sqlite(std::env::var_os(FILE).expect("the test above gives it").into());
    let store = open(&file, IfMissing::Refuse).await.unwrap().store;
    let writers = (0..8).map(|writer| {
        let store = Arc::clone(&store);
        async move {
            for number in 0.. {
                let name = format!("{writer}-{number}");
                store.put_with_session(&kept(&name), None, &session(&name, 10, 20)).await.unwrap();
                // One call writes the whole line, so that lines do not mix.
                std::io::stdout().write_all(format!("answered {name}.\n").as_bytes()).unwrap();
            }
        }
    });
    at_once(writers).await;
}
