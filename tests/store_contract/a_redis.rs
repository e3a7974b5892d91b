//! What only the Redis backend does, also with a Redis that is killed, frozen, full, damaged or that refuses access.

use super::*;

#[tokio::test]
async fn without_a_store_is_only_filled_where_that_is_asked_for() {
    let server = Redis::start();
    let error = open(&server.url(None), IfMissing::Refuse).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert!(error.to_string().contains(&server.name()), "{error}");
    assert_eq!(server.raw("DBSIZE"), ":0");
}

#[tokio::test]
async fn that_came_back_empty_is_a_store_again_with_the_first_record_that_is_put_back() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    server.raw("FLUSHALL");
    store.restore(&kept("a")).await.unwrap();
    let other = open(&server.url(None), IfMissing::Refuse).await.unwrap().store;
    assert!(other.peek(&key("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn gives_no_ttl_to_a_kept_record_and_more_than_a_day_to_what_ends() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    store.put(&minted("a", 10, 20), None).await.unwrap();
    let later = NewRow { version: version("c2", 1), ..kept("a") };
    assert_eq!(store.put(&later, Some(&live_version("c1", 7))).await.unwrap(), Cas::Applied);
    store.put(&minted("b", 10, 20), None).await.unwrap();
    store.create_session(&session("b", 10, 20)).await.unwrap();
    assert_eq!(server.raw("TTL {videoask-auth}:record:a"), ":-1");
    for kind in ["record", "session"] {
        let ttl: i64 = server.raw(&format!("TTL {{videoask-auth}}:{kind}:b")).trim_start_matches(':').parse().unwrap();
        assert!((86_300..=86_400).contains(&ttl), "{kind}: {ttl}");
    }
}

#[tokio::test]
async fn holds_nothing_of_ours_outside_our_prefix_and_no_trace_of_what_has_ended() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    store.create_session(&session("a", 10, 20)).await.unwrap();
    store.put(&NewRow { due: Some(at(5)), ..minted("a", 10, 20) }, None).await.unwrap();
    store.create_session(&session("b", 10, 20)).await.unwrap();
    store.put(&NewRow { due: Some(at(5)), ..minted("b", 10, 20) }, None).await.unwrap();
    store.delete_session(&key("a")).await.unwrap();
    store.sweep(at(10)).await.unwrap();
    // The probe would expire by itself.
    server.raw("DEL {videoask-auth}:probe");
    assert_eq!(server.raw("KEYS *"), "*1\r\n$22\r\n{videoask-auth}:schema");
}

#[tokio::test]
async fn of_a_newer_schema_is_refused_and_not_changed() {
    let server = Redis::start();
    server.raw("SET {videoask-auth}:schema 99");
    let error = open(&server.url(None), IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, known: 2, .. }), "{error}");
    assert_eq!(server.raw("GET {videoask-auth}:schema"), "$2\r\n99");
}

#[tokio::test]
async fn of_an_older_schema_is_migrated() {
    let server = Redis::start();
    server.raw("SET {videoask-auth}:schema 0");
    open(&server.url(None), IfMissing::Refuse).await.unwrap().store.counts().await.unwrap();
    assert_eq!(server.raw("GET {videoask-auth}:schema"), "$1\r\n2");
}

#[tokio::test]
async fn wants_its_password_and_no_error_shows_the_one_given() {
    let server = Redis::start_with(&["--requirepass", "sesame"]);
    for password in [None, Some("hunter2")] {
        let error = open(&server.url(password), IfMissing::Create).await.unwrap_err();
        assert!(matches!(error, StoreError::AccessRefused { .. }), "{error}");
        assert!(error.to_string().contains(&server.name()), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let opened = open(&server.url(Some("sesame")), IfMissing::Create).await.unwrap();
    assert!(!format!("{opened:?}").contains("sesame"), "{opened:?}");
    opened.store.counts().await.unwrap();
}

#[tokio::test]
async fn killed_is_unavailable_at_once_and_serves_the_first_call_when_back() {
    let mut server = Redis::start();
    let store = created(&server.url(None)).await;
    store.put(&kept("a"), None).await.unwrap();
    server.kill();
    // This reason means that the call did not wait for a time limit.
    let error = store.read(&key("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { reason: UnavailableReason::Unreachable, .. }), "{error:?}");
    server.revive();
    assert_eq!(store.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))), "what was saved outlived the crash");
}

#[tokio::test]
async fn restarted_between_two_calls_is_not_noticed_by_a_read_or_a_session() {
    let mut server = Redis::start();
    let store = created(&server.url(None)).await;
    store.put(&kept("a"), None).await.unwrap();
    server.kill();
    server.revive();
    assert_eq!(store.read(&key("a")).await.unwrap(), Some(stored(&kept("a"))));
    server.kill();
    server.revive();
    assert_eq!(store.create_session(&session("a", 10, 20)).await.unwrap(), InsertOutcome::Inserted);
}

/// If a write were repeated, the first copy could still arrive after the second and undo a later write.
#[tokio::test]
async fn that_hangs_up_with_a_write_to_records_on_the_wire_gets_it_once_and_a_read_twice() {
    let server = Redis::start();
    let proxy = CuttableProxy::to(&server).await;
    let store = open(&proxy.url(), IfMissing::Create).await.unwrap().store;
    store.put(&kept("a"), None).await.unwrap();
    let claim = async |name| store.claim(&key("a"), &lease(name, 30), SPAN, &OpenAttempt::Respect).await;
    claim("me").await.unwrap();
    proxy.cut_after_each();
    proxy.forwarded();
    let error = claim("me").await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { reason: UnavailableReason::Disconnected, .. }), "{error:?}");
    assert_eq!(proxy.forwarded(), 1, "the claim, once");
    store.read(&key("a")).await.unwrap_err();
    assert_eq!(proxy.forwarded(), 2, "the read, twice");
    proxy.repair();
    assert!(matches!(claim("you").await.unwrap(), Claim::Held(_)), "no answer does not mean that it was not done");
}

#[tokio::test]
async fn that_hangs_is_unavailable_within_the_budget_for_all_callers_and_works_again_after() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    server.freeze();
    for round in ["on the old connection", "on a new one"] {
        let calls = (0..8).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { within(BUDGET, store.put(&kept("a"), None)).await })
        });
        for call in calls.collect::<Vec<_>>() {
            let error = call.await.unwrap().unwrap_err();
            assert!(
                matches!(error, StoreError::Unavailable { reason: UnavailableReason::TimedOut, .. }),
                "{round}: {error:?}"
            );
        }
    }
    server.thaw();
    store.put(&kept("b"), None).await.unwrap();
}

#[tokio::test]
async fn that_hangs_at_opening_is_unavailable_within_the_budget() {
    let server = Redis::start();
    server.freeze();
    let error = within(BUDGET, open(&server.url(None), IfMissing::Create)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains(&server.name()), "{error}");
}

#[tokio::test]
async fn that_refused_a_connection_is_asked_again_by_the_next_call() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    server.raw("CONFIG SET requirepass sesame");
    server.raw_with("sesame", "CLIENT KILL TYPE normal");
    // The two calls have few and many arguments.
    for error in [store.peek(&key("a")).await.unwrap_err(), store.counts().await.unwrap_err()] {
        assert!(matches!(error, StoreError::AccessRefused { .. }), "{error:?}");
    }
    server.raw_with("sesame", "CONFIG SET requirepass \"\"");
    store.peek(&key("a")).await.unwrap();
}

#[tokio::test]
async fn that_is_full_says_so() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    server.raw("CONFIG SET maxmemory 1");
    let error = store.create_session(&session("a", 10, 20)).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    let error = store.check_writes().await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
}

#[tokio::test]
async fn that_evicts_or_forgets_says_so() {
    let server = Redis::start();
    assert_eq!(risks(&server).await, []);
    server.raw("CONFIG SET maxmemory-policy allkeys-lru");
    assert_eq!(risks(&server).await, [StoreRisk::Evicts { policy: "allkeys-lru".into() }]);
    server.raw("CONFIG SET maxmemory-policy volatile-lru");
    server.raw("CONFIG SET appendonly no");
    assert_eq!(risks(&server).await, [StoreRisk::NotPersistent]);
    server.raw("CONFIG SET save \"60 1\"");
    assert_eq!(risks(&server).await, [StoreRisk::NoAppendOnlyFile], "snapshots lose what came after the last one");
}

#[tokio::test]
async fn that_will_not_tell_is_a_finding_and_no_failure() {
    let server = Redis::start_with(&["--rename-command", "CONFIG", "", "--rename-command", "INFO", ""]);
    assert_eq!(risks(&server).await, [StoreRisk::EvictionUnknown, StoreRisk::PersistenceUnknown]);
}

#[tokio::test]
async fn url_that_is_none_is_refused_without_being_shown() {
    let url = StoreUrl::Redis("redis://:hunter2@host:notaport".to_owned().into());
    let error = open(&url, IfMissing::Create).await.unwrap_err();
    assert!(matches!(error, StoreError::InvalidUrl), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn with_something_else_where_a_row_should_be_is_called_damaged() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    let row = "HSET {videoask-auth}:record:";
    for (name, command) in [
        ("type", "SET {videoask-auth}:record:type x".to_owned()),
        ("lacks", format!("{row}lacks connection_id c generation 1 state live key_id 01")),
        ("state", format!("{row}state connection_id c generation 1 state undead key_id 01 sealed x")),
        ("due", format!("{row}due connection_id c generation 1 state live key_id 01 sealed x due soon")),
        ("generation", format!("{row}generation connection_id c generation one state live key_id 01 sealed x")),
        ("limits", format!("{row}limits connection_id c generation 1 state live key_id 01 sealed x idle 5")),
    ] {
        server.raw(&command);
        let error = store.read(&key(name)).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "reading {name}: {error:?}");
        let error = store.claim(&key(name), &lease("me", 30), SPAN, &OpenAttempt::Respect).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "claiming {name}: {error:?}");
    }
}

#[tokio::test]
async fn that_refused_a_write_says_so_until_one_succeeds() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    server.raw("CONFIG SET maxmemory 1");
    store.check_writes().await.unwrap();
    store.put(&kept("a"), None).await.unwrap_err();
    for _ in 0..2 {
        let error = store.check_writes().await.unwrap_err();
        assert_eq!(Unwritable::of(&error), Some(Unwritable::Full), "{error:?}");
    }
    server.raw("CONFIG SET maxmemory 0");
    store.check_writes().await.unwrap();
    server.raw("CONFIG SET maxmemory 1");
    store.check_writes().await.unwrap();
}

/// A full Redis still runs commands that need no memory, so a script must not run them first.
#[tokio::test]
async fn that_is_full_leaves_a_record_and_its_listings_as_they_were() {
    let server = Redis::start();
    let store = created(&server.url(None)).await;
    let row = NewRow { due: Some(at(5)), ..kept("a") };
    store.put(&row, None).await.unwrap();
    let (expected, change) = (untouched(&row), begin_attempt(&row, "me"));
    store.swap(&row.key, &expected, &change).await.unwrap();
    let before = store.read(&row.key).await.unwrap();
    server.raw("CONFIG SET maxmemory 1");
    let closed = Change { due: Some(at(9)), attempt: None, sealed: Some(sealed("closed")), ..change };
    let expected = Expected { attempt: Some(owner("me")), ..expected };
    let error = store.swap(&row.key, &expected, &closed).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert_eq!(store.read(&row.key).await.unwrap(), before);
    assert_eq!(store.due(at(5), None, 9).await.unwrap(), [(at(5), row.key)]);
}

async fn risks(server: &Redis) -> Vec<StoreRisk> {
    open(&server.url(None), IfMissing::Create).await.unwrap().risks
}
