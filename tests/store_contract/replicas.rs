//! A Redis with a replica, which a failover may make the primary.

use super::*;

/// The refresh token is sent once the attempt is open, so a failover must not lose the attempt.
#[tokio::test]
async fn an_attempt_is_open_only_when_the_replica_has_it() {
    let server = Redis::start();
    let mut replica = server.replica();
    let store = created(&server.url(None)).await;
    let (expected, begin) = (untouched(&kept("a")), begin_attempt(&kept("a"), "me"));
    let close = Change { attempt: None, ..begin.clone() };
    let open = Expected { attempt: begin.attempt.clone(), ..expected.clone() };
    store.put(&kept("a"), None).await.unwrap();
    assert_eq!(store.swap(&key("a"), &expected, &begin).await.unwrap(), Cas::Applied);
    assert_eq!(replica.raw("HGET {videoask-auth}:record:a attempt"), "$2\r\nme");

    replica.freeze();
    assert_eq!(
        store.swap(&key("a"), &open, &close).await.unwrap(),
        Cas::Applied,
        "what sends nothing waits for nobody"
    );
    let error = store.swap(&key("a"), &expected, &begin).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { reason: UnavailableReason::Unacknowledged, .. }), "{error:?}");
    assert_eq!(store.swap(&key("a"), &open, &close).await.unwrap(), Cas::Applied, "no answer does not mean not done");

    replica.thaw();
    server.wait_for_replicas(1);
    assert_eq!(store.swap(&key("a"), &expected, &begin).await.unwrap(), Cas::Applied);
    assert_eq!(store.swap(&key("a"), &open, &close).await.unwrap(), Cas::Applied);

    replica.kill();
    server.wait_for_replicas(0);
    assert_eq!(store.swap(&key("a"), &expected, &begin).await.unwrap(), Cas::Applied, "there is none to wait for");
}

#[tokio::test]
async fn waiting_for_a_replica_does_not_hold_up_what_others_ask_for() {
    let server = Redis::start();
    let replica = server.replica();
    let store = created(&server.url(None)).await;
    let (expected, begin) = (untouched(&kept("a")), begin_attempt(&kept("a"), "me"));
    for number in 0..8 {
        store.put(&kept(&number.to_string()), None).await.unwrap();
    }
    replica.freeze();
    let begin_each = (0..8).map(|number| {
        let (store, expected, begin) = (Arc::clone(&store), expected.clone(), begin.clone());
        async move { store.swap(&key(&number.to_string()), &expected, &begin).await }
    });
    let waiting = tokio::spawn(at_once(begin_each.collect::<Vec<_>>()));
    while !waiting.is_finished() {
        store.peek(&key("0")).await.unwrap();
        tokio::task::yield_now().await;
    }
    for answer in waiting.await.unwrap() {
        let error = answer.unwrap_err();
        assert!(
            matches!(error, StoreError::Unavailable { reason: UnavailableReason::Unacknowledged, .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_redis_that_does_not_tell_of_replicas_opens_an_attempt_without_one() {
    let server = Redis::start_with(&["--rename-command", "INFO", ""]);
    let store = created(&server.url(None)).await;
    store.put(&kept("a"), None).await.unwrap();
    let (expected, begin) = (untouched(&kept("a")), begin_attempt(&kept("a"), "me"));
    assert_eq!(store.swap(&key("a"), &expected, &begin).await.unwrap(), Cas::Applied);
}
