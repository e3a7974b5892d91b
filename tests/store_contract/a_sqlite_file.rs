//! What only the SQLite backend does.

use super::*;

#[tokio::test]
async fn is_only_made_where_that_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let error = open(&StoreUrl::Sqlite(path.clone()), IfMissing::Refuse).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert_eq!(files(folder.path()), [""; 0]);
}

#[tokio::test]
async fn and_those_beside_it_are_the_owners_alone() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    store.create_session(&session("a", 10, 20)).await.unwrap();
    assert_eq!(files(folder.path()), ["store.db", "store.db-shm", "store.db-wal"]);
    for name in files(folder.path()) {
        let mode = folder.path().join(&name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn that_other_users_may_read_or_replace_says_so() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let set_mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let risks = async || {
        let opened = open(&file_in(&folder), IfMissing::Create).await.unwrap().risks;
        assert_eq!(inspect(&file_in(&folder)).await.unwrap().risks, opened);
        opened
    };
    assert_eq!(risks().await, []);
    for mode in [0o640, 0o604, 0o666] {
        set_mode(&path, mode);
        assert_eq!(risks().await, [StoreRisk::FileOpenToOthers { path: path.clone(), mode }]);
    }
    set_mode(&path, 0o600);
    for (mode, open) in [(0o755, false), (0o770, true), (0o702, true), (0o1777, false)] {
        set_mode(folder.path(), mode);
        let expected = open.then(|| StoreRisk::FolderOpenToOthers { path: folder.path().into(), mode });
        assert_eq!(risks().await, Vec::from_iter(expected), "{mode:o}");
    }
}

/// Two processes on two files would send the same token twice.
#[tokio::test]
async fn that_was_replaced_or_removed_is_neither_read_nor_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db");
    let store = created(&file_in(&folder)).await;
    store.put(&kept("a"), None).await.unwrap();
    store.checkpoint().await.unwrap();
    let backup = folder.path().join("backup.db");
    std::fs::copy(&path, &backup).unwrap();
    let refuses = async |case: &str| {
        let errors = [store.read(&key("a")).await.unwrap_err(), store.put(&kept("b"), None).await.unwrap_err()];
        let claim = store.claim(&key("a"), &lease("me", 30), SPAN, &OpenAttempt::Respect).await;
        for error in errors.into_iter().chain([claim.unwrap_err()]) {
            assert!(matches!(error, StoreError::Replaced { .. }), "{case}: {error:?}");
            assert!(error.to_string().contains("start the program again"), "{error}");
        }
    };
    std::fs::rename(&backup, &path).unwrap();
    refuses("replaced").await;
    let restored = open(&file_in(&folder), IfMissing::Refuse).await.unwrap().store;
    assert_eq!(restored.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))));
    std::fs::remove_file(&path).unwrap();
    refuses("removed").await;
}

/// Opens a copy of the file, made without its write-ahead log.
async fn copied_alone(folder: &TempDir) -> (TempDir, Result<OpenedStore, StoreError>) {
    let elsewhere = TempDir::new().unwrap();
    std::fs::copy(folder.path().join("store.db"), elsewhere.path().join("store.db")).unwrap();
    let opened = open(&file_in(&elsewhere), IfMissing::Refuse).await;
    (elsewhere, opened)
}

#[tokio::test]
async fn is_whole_without_its_log_from_the_start_and_whenever_it_was_tidied() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    let (_elsewhere, copy) = copied_alone(&folder).await;
    assert_eq!(copy.unwrap().origin, StoreOrigin::Existing);
    store.put(&kept("a"), None).await.unwrap();
    store.checkpoint().await.unwrap();
    let (_elsewhere, copy) = copied_alone(&folder).await;
    assert_eq!(copy.unwrap().store.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))));
}

#[tokio::test]
async fn is_whole_without_its_log_when_closed_though_another_process_has_it_open() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    store.put(&kept("a"), None).await.unwrap();
    let other = open(&file_in(&folder), IfMissing::Refuse).await.unwrap();
    store.put(&kept("b"), None).await.unwrap();
    drop(store);
    let (_elsewhere, copy) = copied_alone(&folder).await;
    assert_eq!(copy.unwrap().store.read(&key("b")).await.unwrap(), Some(stored(&kept("b"))));
    drop(other);
}

#[tokio::test]
async fn without_tables_is_called_a_copy_without_its_log() {
    let folder = TempDir::new().unwrap();
    sql(&folder, "PRAGMA journal_mode = wal");
    let path = folder.path().join("store.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(path.metadata().unwrap().len(), 4096);
    let error = open(&file_in(&folder), IfMissing::Refuse).await.unwrap_err();
    assert!(matches!(error, StoreError::Empty { .. }), "{error:?}");
    assert!(error.to_string().contains("-wal"), "{error}");
    let expected = [StoreRisk::EmptyFile { path }];
    assert_eq!(inspect(&file_in(&folder)).await.unwrap().risks, expected);
    let opened = open(&file_in(&folder), IfMissing::Create).await.unwrap();
    assert_eq!((opened.origin, opened.risks), (StoreOrigin::Created, expected.to_vec()));
}

#[tokio::test]
async fn keeps_what_was_written_when_it_is_closed_and_needs_no_file_beside_it() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    store.put(&kept("a"), None).await.unwrap();
    drop(store);
    assert_eq!(files(folder.path()), ["store.db"]);
    let store = open(&file_in(&folder), IfMissing::Refuse).await.unwrap().store;
    assert_eq!(store.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn may_be_made_by_many_at_once() {
    for _ in 0..10 {
        let folder = TempDir::new().unwrap();
        let url = file_in(&folder);
        let openings = (0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { open(&url, IfMissing::Create).await.unwrap() })
        });
        let mut opened: Vec<OpenedStore> = Vec::new();
        for opening in openings.collect::<Vec<_>>() {
            opened.push(opening.await.unwrap());
        }
        let makers = opened.iter().filter(|opened| opened.origin == StoreOrigin::Created).count();
        assert_eq!(makers, 1);
    }
}

#[tokio::test]
async fn that_is_empty_becomes_a_store() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("store.db"), "").unwrap();
    let refused = open(&file_in(&folder), IfMissing::Refuse).await.unwrap_err();
    assert!(matches!(refused, StoreError::Missing { .. }), "{refused}");
    assert_eq!(open(&file_in(&folder), IfMissing::Create).await.unwrap().origin, StoreOrigin::Created);
}

#[tokio::test]
async fn of_a_newer_schema_is_refused_with_both_versions() {
    let folder = TempDir::new().unwrap();
    drop(created(&file_in(&folder)).await);
    sql(&folder, "PRAGMA user_version = 99");
    let error = open(&file_in(&folder), IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known: 4, .. }), "{error}");
    let error = inspect(&file_in(&folder)).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
}

#[tokio::test]
async fn of_another_program_is_refused_and_not_changed() {
    let folder = TempDir::new().unwrap();
    sql(&folder, "CREATE TABLE theirs (x)");
    let before = std::fs::read(folder.path().join("store.db")).unwrap();
    let error = open(&file_in(&folder), IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(std::fs::read(folder.path().join("store.db")).unwrap(), before);
}

#[tokio::test]
async fn that_is_no_database_is_refused_and_not_changed() {
    let folder = TempDir::new().unwrap();
    let text = "Dear diary, this is long enough to hold the header of a database. ".repeat(20);
    std::fs::write(folder.path().join("store.db"), &text).unwrap();
    let error = open(&file_in(&folder), IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(folder.path().join("store.db")).unwrap(), text);
}

#[tokio::test]
async fn that_is_a_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let error = open(&StoreUrl::Sqlite(folder.path().into()), IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, StoreError::NotAFile { .. }), "{error}");
}

#[tokio::test]
async fn is_not_made_where_there_is_no_folder() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for parent in ["nowhere", "file"] {
        let url = StoreUrl::Sqlite(folder.path().join(parent).join("store.db"));
        let error = open(&url, IfMissing::Create).await.unwrap_err();
        assert!(matches!(error, StoreError::NoFolder { .. }), "{error}");
        assert_eq!(inspect(&url).await.unwrap().status, StoreStatus::Missing(CanCreate::NoFolder));
    }
}

/// Not even root can create a file in `/sys`. The mode of an ordinary folder does not stop root.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn is_not_made_in_a_folder_that_cannot_be_written() {
    let url = StoreUrl::Sqlite("/sys/kernel/store.db".into());
    let error = open(&url, IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, StoreError::NotWritable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locked_by_another_process_is_unavailable_within_the_budget_and_works_again_after() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    let other = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = within(BUDGET, store.put(&kept("a"), None)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { reason: UnavailableReason::Busy, .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    store.put(&kept("a"), None).await.unwrap();
}

#[tokio::test]
async fn locked_by_another_process_can_still_be_opened_and_read() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    store.put(&kept("a"), None).await.unwrap();
    let other = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let second = open(&file_in(&folder), IfMissing::Refuse).await.unwrap();
    assert_eq!(second.store.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))));
}

#[tokio::test]
async fn with_a_row_that_makes_no_sense_is_called_damaged() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    sql(&folder, &format!("INSERT INTO sessions VALUES ('a', {}, 1, x'00')", i64::MAX));
    let error = store.session(&key("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn with_a_record_that_makes_no_sense_is_called_damaged() {
    let folder = TempDir::new().unwrap();
    let store = created(&file_in(&folder)).await;
    for (name, column, value) in [("state", "state", "'undead'".to_owned()), ("due", "due", i64::MAX.to_string())] {
        store.put(&kept(name), None).await.unwrap();
        sql(&folder, &format!("UPDATE records SET {column} = {value} WHERE key = '{name}'"));
        let error = store.read(&key(name)).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {error:?}");
        let error = store.claim(&key(name), &lease("me", 30), SPAN, &OpenAttempt::Respect).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{name}: {error:?}");
    }
}
